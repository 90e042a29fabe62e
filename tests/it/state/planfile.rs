//! The saved plan as a file.

use podform::render::view::subjects;
use podform::state::planfile::{PlanInputs, SavedPlan, VERSION, read};
use proptest::prelude::*;

use super::fixed;
use super::samples::Samples;
use crate::approval::mutants::summed;
use crate::formats::plan_file;

fn saved(seed: u64) -> SavedPlan {
    let mut samples = Samples::from_seed(seed);
    let inputs = PlanInputs {
        spec_files: vec!["pods.yaml".into(), "prod.yaml".into()],
        variables: ["image_tag".to_owned()].into(),
        profiles: ["night".to_owned()].into(),
        targets: vec!["llm*".into()],
        excludes: vec![samples.text()],
        replaces: Vec::new(),
        rotates: vec!["secret.hf_token".to_owned()],
        unprotects: vec!["volume.models".to_owned()],
        destroy: samples.0.bool(),
        accept_vanished: samples.0.bool(),
    };
    let planned = samples.planned();
    let places = (1..).map(|line| format!("pods.yaml:{line}:5"));
    let positions = subjects(&planned).into_iter().zip(places).collect();
    SavedPlan { planned, inputs, positions }
}

proptest! {
    #![proptest_config(fixed(256))]

    #[test]
    fn every_plan_reads_back_as_it_was_written(seed: u64) {
        let saved = saved(seed);
        prop_assert_eq!(read(&plan_file(&saved)), Ok(saved));
    }

    #[test]
    fn a_file_that_is_cut_off_anywhere_is_refused(seed in 0_u64..8, part in 0.0_f64..1.0) {
        let text = plan_file(&saved(seed));
        let text = text.trim_end();
        let mut end = (text.len() as f64 * part) as usize;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        prop_assert!(read(&text[..end]).is_err());
    }
}

#[test]
fn a_plan_of_more_values_than_fit_into_memory_is_refused_before_it_is_read() {
    let whole = plan_file(&saved(1));
    let many = format!("\"targets\": [{}", "\"\",".repeat(8_500_000));
    let said = read(&whole.replacen("\"targets\": [", &many, 1)).unwrap_err().to_string();
    assert_eq!(said, "it holds more than 8500000 values, and no plan does");
}

#[test]
fn files_that_are_no_plan_say_why() {
    let whole = plan_file(&saved(1));
    let other_version = whole.replace(
        &format!("\"version\": {VERSION},\n  \"podform\": \"{}\"", env!("CARGO_PKG_VERSION")),
        "\"version\": 7,\n  \"podform\": \"3.1.0\"",
    );
    let unknown_key = whole.replacen("\"inputs\": {", "\"surprise\": 1,\n  \"inputs\": {", 1);
    let (before_time, after_time) = whole.split_once("\"observed_at\": \"2").unwrap();
    let bad_time = format!("{before_time}\"observed_at\": \"yesterday 2{after_time}");
    let unknown_key = summed(&unknown_key);
    let bad_time = summed(&bad_time);
    let said = |text: &str| {
        let message = read(text).unwrap_err().to_string();
        // The drawn time itself is of no interest.
        message.split(" 20").next().unwrap_or_default().to_owned()
    };
    let cases = [
        "",
        "{}",
        "[1, 2]",
        "project: acme",
        "Run `podform plan` first.",
        "{ \"notes\": \"run podform plan first\", }",
        &whole[..whole.len() / 2],
        &other_version,
        &unknown_key,
        &bad_time,
    ];
    insta::assert_snapshot!(cases.map(said).join("\n"), @"
    it is not a saved plan of podform
    it is not a saved plan of podform
    it is not a saved plan of podform
    it is not a saved plan of podform
    it is not a saved plan of podform
    it is not a saved plan of podform
    it is cut off in line 93
    it has version 7 of the plan format, written by podform 3.1.0; this podform reads version 2
    it is damaged: unknown field `surprise`, expected one of `format`, `version`, `podform`, `inputs`, `positions`, `planned`, `content` at line 5 column 12
    it is damaged: `yesterday
    ");
}

#[test]
fn a_file_that_was_changed_anywhere_is_refused() {
    let whole = plan_file(&saved(1));
    let no_sum = whole.replace("\"content\"", "\"contents\"");
    let other_sum = whole.replacen("\"content\": \"", "\"content\": \"0", 1);
    let longer = format!("{whole}\n");
    let other_line_ends = whole.replace('\n', "\r\n");
    let old_sum = whole.replacen("\"positions\"", " \"positions\"", 1);
    let said = |text: &str| read(text).unwrap_err().to_string();
    let cases = [&no_sum, &other_sum, &longer, &other_line_ends, &old_sum];
    insta::assert_snapshot!(cases.map(|text| said(text)).join("\n"), @"
    it does not end with the sum over its content, so nothing tells whether it is as podform wrote it
    it was changed after it was written: the sum over its content is another one
    it does not end with the sum over its content, so nothing tells whether it is as podform wrote it
    it does not end with the sum over its content, so nothing tells whether it is as podform wrote it
    it was changed after it was written: the sum over its content is another one
    ");
}

proptest! {
    #![proptest_config(fixed(256))]

    #[test]
    fn no_byte_of_a_file_can_be_another(seed in 0_u64..8, part in 0.0_f64..1.0, byte in b' '..b'~') {
        let text = plan_file(&saved(seed));
        let mut bytes = text.clone().into_bytes();
        let at = ((bytes.len() - 1) as f64 * part) as usize;
        bytes[at] = byte;
        match String::from_utf8(bytes) {
            Ok(other) if other != text => prop_assert!(read(&other).is_err(), "{at}"),
            Ok(_) | Err(_) => {}
        }
    }
}

#[test]
fn the_file_is_readable_and_holds_secrets_by_name_only() {
    let texts: Vec<String> = (0..64).map(|seed| plan_file(&saved(seed))).collect();
    let all = texts.concat();
    assert!(all.contains("\"secret\": {\"declared\": \"wandb\"}"));
    assert!(all.contains("\"hourly_micro_dollars\": \"unknown\""), "an unknown price is not 0");
}
