//! Real plans of the planner, in every format.

use std::sync::Arc;

use insta::assert_snapshot;
use podform::model::address::Address;
use podform::model::desired::{ComputeWish, OnReplace, OnStuckResume};
use podform::model::id::{DataCenterId, EnvKey, PodId};
use podform::model::live::{PodStatus, Seen, Unreadable};
use podform::model::plan::Planned;
use podform::model::pod::{EnvValue, RunState, Storage};
use podform::model::size::Gigabytes;
use podform::render::style::Style;
use podform::render::{Format, no_positions, write_plan};

use crate::plan::world::{World, address, gpus};

fn rendered(format: Format, planned: &Planned) -> String {
    let mut out = String::new();
    write_plan(&mut out, format, planned, &no_positions, Style::PLAIN).unwrap();
    out
}

fn human(world: &World) -> String {
    rendered(Format::Human, &world.plan())
}

fn local(size: u32) -> Storage<Address> {
    Storage::Local { size: Gigabytes(size), path: "/workspace".to_owned() }
}

/// One edit of a file that stops a pod, resumes another, changes an image and a GPU, and removes a pod.
fn five_classes() -> World {
    World::default()
        .want("studio", |pod| {
            pod.run = RunState::Stopped;
            pod.container.storage = local(100);
        })
        .have("studio", |pod| pod.container.storage = local(100))
        .want("train", |pod| pod.container.storage = local(50))
        .have("train", |pod| {
            pod.run = RunState::Stopped;
            pod.container.storage = local(50);
        })
        .want("llm", |pod| pod.container.image = "tool:2".to_owned())
        .have("llm", |_| {})
        .want("tune", |pod| {
            pod.hardware.compute = ComputeWish::Gpu(gpus(&["L40S", "A100 PCIe"]));
        })
        .have("tune", |_| {})
        .have("old", |_| {})
}

#[test]
fn one_edit_of_five_classes() {
    let world = five_classes();
    assert_snapshot!(human(&world), @r#"
    Actions
      -/+ destroy and then create replacement
        ~ update in-place
        ▶ start
        ■ stop
        - destroy

      # llm will be updated in-place
      # (id id-llm)
      ~ llm
          ~ image: "tool:1" -> "tool:2"  # you changed it; resets the pod
          note:  its container disk (20 GB) is wiped
          note:  its public address and TCP ports change
          cost:  $505.70 a month ($0.6927/h)
                 compute $503.70, storage $2.00

      # old will be destroyed
      # (because its key has left the spec)
      # (id id-old)
      - old
          note:  its container disk (20 GB) is wiped
          cost:  $505.70 -> $0.00 a month ($0.6927/h -> $0.00/h)
                 compute $503.70 -> $0.00, storage $2.00 -> $0.00

      # studio will be stopped
      # (because its `state` was changed in the spec)
      # (id id-studio)
      ■ studio
          ~ state: running -> stopped  # you changed it
          note:  its container disk (20 GB) is wiped
          keeps: local volume (100 GB) at /workspace
          cost:  $515.70 -> $20.00 a month ($0.7064/h -> $0.0274/h)
                 compute $503.70 -> $0.00, storage $12.00 -> $20.00

      # tune must be replaced
      # (because it cannot be changed in place to what the spec wants)
      # (id id-tune)
    -/+ tune
          ~ gpu: NVIDIA GeForce RTX 4090 -> L40S or A100 PCIe  # you changed it; forces replacement
          note:  its container disk (20 GB) is wiped
          note:  gets a new pod id and new proxy URLs
          place: the first that can be had of:
                 1. NVIDIA L40S x1, secure, any data center: $0.86/h, stock medium (EU-RO-1 medium, US-TX-3 medium)
                 2. NVIDIA A100 80GB PCIe x1, secure, any data center: $1.64/h, stock low (EU-RO-1 low, US-TX-3 low)
          cost:  $505.70 -> $629.80 a month ($0.6927/h -> $0.8627/h)
                 compute $503.70 -> $627.80, storage $2.00

      # train will be started
      # (because its `state` was changed in the spec)
      # (id id-train)
      ▶ train
          ~ state: stopped -> running  # you changed it
          note:  its public address and TCP ports change
          note:  the start can fail: it is bound to its host, which may have no free GPU; it stays
                 stopped then
          keeps: local volume (50 GB) at /workspace
          cost:  $10.00 -> $510.70 a month ($0.0137/h -> $0.6996/h)
                 compute $0.00 -> $503.70, storage $10.00 -> $7.00

    Findings

      warning: studio.state: its local volume stays on this host, so a later start fails if others have its
          GPU by then [bound-to-host]
      warning: train.state: may not come back: the start fails if its host has no free GPU by then
          [resume-may-fail]

    Plan: 1 to add, 3 to change, 2 to destroy.
    That is 1 to replace, 1 to start, 1 to stop, 1 to update (1 with a reset), 1 to destroy.
    No volume is lost.
    Wiped on the way: 4 container disks (80 GB).

      Cost a month                     now               after          difference
      compute                    $2,014.80           $1,635.20            -$379.60
      storage                       $28.00              $31.00              +$3.00
      total                      $2,042.80           $1,666.20            -$376.60
      total an hour              $2.7984/h           $2.2825/h

    At most $2,235.60 a month ($3.0625/h), if each pod lands on its dearest candidate.
    Digest: e863c62dbaa9ae8ce87bfea719e91e04-2235600000
    "#);
}

#[test]
fn a_first_plan_creates_in_order() {
    let world = World::default().want_volume("volume.models", 500, false).want("llm[0]", |pod| {
        pod.container.storage =
            Storage::Network { volume: address("volume.models"), path: "/models".to_owned() };
        pod.hardware.data_centers = [DataCenterId::new("EU-RO-1")].into();
        pod.depends_on = [address("volume.models")].into();
        pod.container.env = Arc::new([(EnvKey::new("RANK"), EnvValue::Plain("0".to_owned()))].into());
    });
    assert_snapshot!(human(&world), @r#"
    Actions
        + create

      # volume.models will be created
      + volume.models
          + data_center: EU-RO-1
          + size:        500 GB
          + tier:        standard
          cost:  $0.00 -> $35.00 a month ($0.00/h -> $0.0479/h)
                 compute $0.00, storage $0.00 -> $35.00

      # llm[0] will be created
      + llm[0]
          + name:        "acme-llm[0]"
          + image:       "tool:1"
          + env.RANK:    "0"
          + ports:       22/tcp
          + disk:        20 GB
          + volumes:     "volume.models at /models"
          + gpu:         RTX 4090
          + cloud:       secure
          + data_center: EU-RO-1
          + ssh:         true
          place: NVIDIA GeForce RTX 4090 x1, secure, in EU-RO-1: $0.69/h, stock high (EU-RO-1 high)
          cost:  $0.00 -> $505.70 a month ($0.00/h -> $0.6927/h)
                 compute $0.00 -> $503.70, storage $0.00 -> $2.00

    Plan: 2 to add, 0 to change, 0 to destroy.
    That is 2 to create.
    No data is lost.

      Cost a month                     now               after          difference
      compute                        $0.00             $503.70            +$503.70
      storage                        $0.00              $37.00             +$37.00
      total                          $0.00             $540.70            +$540.70
      total an hour                $0.00/h           $0.7407/h

    Digest: e5607c62c3896efe600cc1db6407b586-540700000
    "#);
}

#[test]
fn what_others_did_is_told_apart() {
    let world = World::default()
        .want("stopped", |_| {})
        .have("stopped", |_| {})
        .outside("stopped", |pod| pod.status = PodStatus::Exited)
        .want("gone", |_| {})
        .have("gone", |_| {})
        .seen("gone", Seen::Absent)
        .want("dark", |_| {})
        .have("dark", |_| {})
        .seen("dark", Seen::Unreadable(Unreadable::TooNew))
        .want("edited", |_| {})
        .have("edited", |_| {})
        .outside("edited", |pod| pod.settings.image = Some("evil:1\u{1b}[2J".to_owned()))
        .want("same", |_| {})
        .have("same", |_| {})
        .stranger("m1ne", |pod| pod.settings.name = Some("old notebook".to_owned()));
    assert_snapshot!(human(&world), @r#"
    Changed outside of podform

      # edited has changed
          ~ image: "tool:1" -> "evil:1\u{1b}[2J"
      # gone is gone
      # stopped was stopped, or its process ended

    Actions
        + create
        ~ update in-place
        ▶ start

      # edited will be updated in-place
      # (id id-edited)
      ~ edited
          ~ image: "evil:1\u{1b}[2J" -> "tool:1"  # changed outside of podform; resets the pod
          note:  its container disk (20 GB) is wiped
          note:  its public address and TCP ports change
          cost:  $505.70 a month ($0.6927/h)
                 compute $503.70, storage $2.00

      # gone will be created
      # (because it was recorded and is gone)
      + gone
          + name:        "acme-gone"
          + image:       "tool:1"
          + ports:       22/tcp
          + disk:        20 GB
          + gpu:         RTX 4090
          + cloud:       secure
          + data_center: (known after apply)
          + ssh:         true
          note:  its data (20 GB) was lost already when it vanished
          note:  gets a new pod id and new proxy URLs
          place: NVIDIA GeForce RTX 4090 x1, secure, any data center: $0.69/h, stock high (EU-RO-1 high, US-TX-3 high)
          cost:  $0.00 -> $505.70 a month ($0.00/h -> $0.6927/h)
                 compute $0.00 -> $503.70, storage $0.00 -> $2.00

      # stopped will be started
      # (because it was stopped, started or ended outside of podform)
      # (id id-stopped)
      ▶ stopped
          ~ state: stopped -> running  # changed outside of podform
          note:  its public address and TCP ports change
          note:  the start can fail: it is bound to its host, which may have no free GPU; it stays
                 stopped then
          cost:  $0.00 -> $505.70 a month ($0.00/h -> $0.6927/h)
                 compute $0.00 -> $503.70, storage $0.00 -> $2.00

    Not managed by podform, never touched

      m1ne (old notebook), RUNNING, 2 h old: $505.70 a month ($0.6927/h)
          podform import ADDRESS m1ne

    Held: left alone in this plan

      dark: it could not be looked at: recorded less than 120 s ago and not listed yet

    Findings

      warning: stopped.state: may not come back: the start fails if its host has no free GPU by then
          [resume-may-fail]

    Plan: 1 to add, 2 to change, 0 to destroy.
    That is 1 to create, 1 to start, 1 to update (1 with a reset), 1 held, 1 unchanged.
    No volume is lost.
    Wiped on the way: 1 container disk (20 GB).
    Lost already: 1 object vanished with its data (20 GB).

      Cost a month                     now               after          difference
      compute                    $1,511.10           $2,518.50          +$1,007.40
      storage                        $6.00              $10.00              +$4.00
      total                      $1,517.10           $2,528.50          +$1,011.40
      total an hour              $2.0782/h           $3.4637/h
      not managed                  $505.70             $505.70                none

    Digest: eded55b5268c1257e40b131f929d76ba-1517100000
    "#);
}

#[test]
fn a_replacement_that_creates_first_is_counted_as_one() {
    let world = World::default()
        .want("llm", |pod| {
            pod.lifecycle.on_replace = OnReplace::CreateFirst;
            pod.hardware.compute = ComputeWish::Gpu(gpus(&["L40S"]));
        })
        .have("llm", |_| {})
        .want("train", |pod| {
            pod.lifecycle.on_stuck_resume = OnStuckResume::Replace;
            pod.container.storage = local(50);
        })
        .have("train", |pod| {
            pod.run = RunState::Stopped;
            pod.container.storage = local(50);
        })
        .recorded("llm", |recorded| recorded.record.deposed = [PodId::new("left")].into())
        .stranger("left", |_| {});
    assert_snapshot!(human(&world), @"
    Actions
      +/- create replacement and then destroy
        ▶ start
        - destroy

      # train will be started
      # (because its `state` was changed in the spec)
      # (id id-train)
      ▶ train
          ~ state:     stopped -> running  # you changed it
          ~ lifecycle:  # you changed it
              -on_stuck_resume: fail
              +on_stuck_resume: replace
          loses: local volume (50 GB) at /workspace, if it is replaced
          note:  gets a new pod id and new proxy URLs, if it is replaced
          note:  its public address and TCP ports change
          note:  the start can fail: it is bound to its host, which may have no free GPU; it is replaced
                 then
          place: replaced, if its host stays full, by the first that can be had of:
                 1. NVIDIA GeForce RTX 4090 x1, secure, any data center: $0.69/h, stock high (EU-RO-1 high, US-TX-3 high)
          cost:  $10.00 -> $510.70 a month ($0.0137/h -> $0.6996/h)
                 compute $0.00 -> $503.70, storage $10.00 -> $7.00

      # llm must be replaced
      # (because it cannot be changed in place to what the spec wants)
      # (id id-llm)
    +/- llm
          ~ gpu: NVIDIA GeForce RTX 4090 -> L40S  # you changed it; forces replacement
          note:  its container disk (20 GB) is wiped
          note:  gets a new pod id and new proxy URLs
          place: NVIDIA L40S x1, secure, any data center: $0.86/h, stock medium (EU-RO-1 medium, US-TX-3 medium)
          cost:  $1,011.40 -> $1,135.50 a month ($1.3855/h -> $1.5555/h)
                 compute $1,007.40 -> $1,131.50, storage $4.00

      # llm (left behind by a replacement) will be destroyed
      # (id left)
      - llm
          note:  its container disk (20 GB) is wiped
          cost:  $505.70 -> $0.00 a month ($0.6927/h -> $0.00/h)
                 compute $503.70 -> $0.00, storage $2.00 -> $0.00

    Plan: 1 to add, 1 to change, 2 to destroy.
    That is 1 to replace, 1 to start, 1 to destroy.
    Data lost at 1 address: 1 local volume (50 GB); at 1 of them only if a start fails.
    Wiped on the way: 2 container disks (40 GB).

      Cost a month                     now               after          difference
      compute                    $1,007.40           $1,131.50            +$124.10
      storage                       $14.00               $9.00              -$5.00
      total                      $1,021.40           $1,140.50            +$119.10
      total an hour              $1.3992/h           $1.5623/h

    Digest: 6e66ad384e26fc5503901f3b98d65f26-1140500000
    ");
}

#[test]
fn what_is_protected_blocks_the_plan() {
    let world = World::default().have("llm", |pod| pod.lifecycle.protect = true);
    assert_snapshot!(human(&world), @"
    Actions, if the plan were not blocked
        - destroy

      # llm will be destroyed
      # (because its key has left the spec)
      # (id id-llm)
      - llm
          note:  its container disk (20 GB) is wiped
          cost:  $505.70 -> $0.00 a month ($0.6927/h -> $0.00/h)
                 compute $503.70 -> $0.00, storage $2.00 -> $0.00

    Plan: 0 to add, 0 to change, 1 to destroy.
    That is 1 to destroy.
    No volume is lost.
    Wiped on the way: 1 container disk (20 GB).

      Cost a month                     now               after          difference
      compute                      $503.70               $0.00            -$503.70
      storage                        $2.00               $0.00              -$2.00
      total                        $505.70               $0.00            -$505.70
      total an hour              $0.6927/h             $0.00/h

    Digest: 99350fc510939b57bde31b8b564e9439-0

    Blocked: nothing of this plan can be applied.
      - `llm` is protected and would be destroyed; to allow it, apply `protect: false` first or, if it
        has left the spec, apply what `podform plan --unprotect llm -o FILE` saves (a destroy: with
        `--destroy`)
    ");
}

#[test]
fn no_format_lets_an_escape_sequence_through() {
    let world = World::default()
        .want("edited", |_| {})
        .have("edited", |_| {})
        .outside("edited", |pod| pod.settings.image = Some("evil:1\u{1b}[2J\u{202e}".to_owned()))
        .stranger("m1ne", |pod| pod.settings.name = Some("\u{1b}]0;title\u{7}".to_owned()));
    for format in Format::ALL {
        let text = rendered(format, &world.plan());
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{}", format.word());
        // Numbers for continuous integration and pictures show no value at all.
        let shows_values = !matches!(format, Format::Outputs | Format::Graph(_));
        assert_eq!(text.contains("evil:1"), shows_values, "{}", format.word());
    }
}

#[test]
fn nothing_to_do() {
    let world = World::default().want("llm", |_| {}).have("llm", |_| {});
    assert_snapshot!(human(&world), @r#"
    No changes.
    1 address is as wanted: llm.
    Cost: $505.70 a month ($0.6927/h), as before; compute $503.70, storage $2.00.
    Digest: c6d87b1095f09a326f893ba58c672708-0
    "#);
}
