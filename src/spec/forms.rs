//! The short forms of values: one text in, one value or one explanation out.
//!
//! Every form has one spelling. A text that is clearly meant well but spelled otherwise is refused together with the
//! right spelling, so that specs stay searchable.

use std::collections::BTreeSet;

use crate::model::desired::{CudaWish, GpuCount, MemoryRange};
use crate::model::id::{CudaVersion, GpuName};
use crate::model::money::{Hourly, Monthly};
use crate::model::pod::{Port, Protocol};
use crate::model::seconds::{NoTime, Seconds};
use crate::model::size::Gigabytes;

use super::sensitive::shown;

/// Why a text is not of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misread {
    pub detail: String,
    pub help: Option<String>,
    /// The text that is likely meant, in place of the whole value.
    pub fix: Option<String>,
}

impl Misread {
    pub(super) fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), help: None, fix: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub(super) fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }
}

/// Reads `60GB` or `2TB`. RunPod counts in whole gigabytes of 1000 MB, and a terabyte is a thousand of them.
pub(super) fn size(text: &str) -> Result<Gigabytes, Misread> {
    let digits_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    let factor = match unit {
        "GB" => 1,
        "TB" => 1000,
        _ => return Err(size_misspelled(text, digits, unit)),
    };
    let number = digits.parse::<u32>().ok().filter(|_| !digits.starts_with('0') || digits == "0");
    match number.and_then(|number| number.checked_mul(factor)) {
        Some(0) => Err(Misread::new("a size is at least 1GB")),
        Some(size) => Ok(Gigabytes(size)),
        None => Err(size_misspelled(text, digits, unit)),
    }
}

/// Sizes above this are no slip of the unit.
const MAX_TYPED: u32 = 100_000;

fn size_misspelled(text: &str, digits: &str, unit: &str) -> Misread {
    let unit = unit.trim().to_ascii_lowercase();
    let number = digits.parse::<u32>().ok().filter(|size| (1..=MAX_TYPED).contains(size));
    let misread = Misread::new(format!("{} is no size such as `60GB`", shown(text)));
    match (unit.as_str(), number) {
        ("" | "g" | "gb" | "gi" | "gib", Some(number)) => misread.fix(format!("{number}GB")),
        ("t" | "tb" | "ti" | "tib", Some(number)) => misread.fix(format!("{number}TB")),
        _ => misread.help("write whole gigabytes, `60GB`, or terabytes of 1000GB, `2TB`"),
    }
}

/// Reads `48GB..`, `..24GB`, `48GB..80GB` or `48GB`.
pub(super) fn memory(text: &str) -> Result<MemoryRange, Misread> {
    let no_range = || {
        Misread::new(format!("{} is no range of memory", shown(text))).help(
            "write `48GB..` for at least, `..24GB` for at most, `48GB..80GB` for both, `48GB` for exactly",
        )
    };
    let bound =
        |text: &str| if text.is_empty() { Ok(None) } else { size(text).map(Some).map_err(|_| no_range()) };
    let Some((min, max)) = text.split_once("..") else {
        let exact = bound(text)?.ok_or_else(no_range)?;
        return Ok(MemoryRange { min: Some(exact), max: Some(exact) });
    };
    let range = MemoryRange { min: bound(min)?, max: bound(max)? };
    match range {
        MemoryRange { min: None, max: None } => Err(no_range()),
        MemoryRange { min: Some(min), max: Some(max) } if min > max => {
            Err(Misread::new("the lower bound is above the upper").fix(format!("{}GB..{}GB", max.0, min.0)))
        }
        MemoryRange { .. } => Ok(range),
    }
}

/// Tells whether [`memory`] reads a text, which is asked of every GPU: explaining why not takes much longer.
pub(super) fn is_memory(text: &str) -> bool {
    text.ends_with(['B', '.']) && memory(text).is_ok()
}

/// Writes a memory range in the form that [`memory`] reads.
pub(super) fn write_memory(range: MemoryRange) -> Option<String> {
    match range {
        MemoryRange { min: None, max: None } => None,
        MemoryRange { min: Some(min), max: Some(max) } if min == max => Some(write_size(min)),
        MemoryRange { min, max } => {
            let bound = |size: Option<Gigabytes>| size.map(write_size).unwrap_or_default();
            Some(format!("{}..{}", bound(min), bound(max)))
        }
    }
}

/// Writes a size in the form that [`size`] reads.
pub(super) fn write_size(size: Gigabytes) -> String {
    format!("{}GB", size.0)
}

/// The largest price that is plausible for a pod, in dollars an hour.
const MAX_PRICE: i64 = 100_000;
/// The largest budget that is plausible for a project, in dollars a month.
const MAX_MONTHLY: i64 = 1_000_000_000;

/// Reads dollars an hour, exactly: at most six decimals.
pub(super) fn price(text: &str) -> Result<Hourly, Misread> {
    micro_dollars(text, MAX_PRICE, "an hour", "2.20").map(Hourly)
}

/// Reads dollars a month, likewise.
pub(super) fn monthly(text: &str) -> Result<Monthly, Misread> {
    micro_dollars(text, MAX_MONTHLY, "a month", "5500").map(Monthly)
}

fn micro_dollars(text: &str, most: i64, unit: &str, example: &str) -> Result<i64, Misread> {
    let (dollars, decimals) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if dollars.is_empty() || !all_digits(dollars) || !all_digits(decimals) || text.ends_with('.') {
        return Err(price_misspelled(text, unit, example));
    }
    if decimals.len() > 6 {
        return Err(Misread::new(format!("{} has more than six decimals", shown(text))));
    }
    let whole = dollars.parse::<i64>().ok().filter(|dollars| *dollars <= most);
    let micro = format!("{decimals:0<6}").parse::<i64>().ok();
    match whole.zip(micro).map(|(whole, micro)| whole * 1_000_000 + micro) {
        Some(0) => Err(Misread::new("a price is above 0").help("delete the key where there is no limit")),
        Some(price) => Ok(price),
        None => Err(Misread::new(format!("{} is above {most} USD {unit}", shown(text)))),
    }
}

fn price_misspelled(text: &str, unit: &str, example: &str) -> Misread {
    let mut number = text.trim().trim_start_matches('$');
    for suffix in ["USD/h", "USD/hr", "USD", "/hour", "/hr", "/h", "/month", "/mo", "$"] {
        number = number.strip_suffix(suffix).unwrap_or(number).trim();
    }
    let misread = Misread::new(format!("{} is no price in USD {unit}", shown(text)));
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number && number != text {
        misread.fix(number)
    } else {
        misread.help(format!("write dollars {unit}, such as `{example}`"))
    }
}

/// Writes a price in the form that [`price`] reads.
pub(super) fn write_price(Hourly(micro): Hourly) -> String {
    write_dollars(micro)
}

/// Writes an amount in the form that [`monthly`] reads.
pub(super) fn write_monthly(Monthly(micro): Monthly) -> String {
    write_dollars(micro)
}

fn write_dollars(micro: i64) -> String {
    let (dollars, micro) = (micro / 1_000_000, micro % 1_000_000);
    let decimals = format!("{micro:06}");
    let short = decimals.trim_end_matches('0');
    format!("{dollars}.{short:0<2}")
}

/// Reads a length of time, such as `90s`, `10m` or `2h`; at least a second.
pub(super) fn span(text: &str) -> Result<Seconds, Misread> {
    match text.parse() {
        Ok(Seconds(0)) => Err(Misread::new("no time at all is too short").help("write at least `1s`")),
        Ok(seconds) => Ok(seconds),
        Err(NoTime::Form) => Err(Misread::new(format!("{} is no length of time", shown(text)))
            .help("write a whole number and a unit, such as `90s`, `10m` or `2h`")),
        Err(NoTime::TooLong) => Err(Misread::new(format!("{} is longer than a year", shown(text)))),
    }
}

/// What `8000/health` says of an http port: its number and the path, which is `/` if none is given.
pub(super) fn http_probe(text: &str) -> Result<(u32, String), Misread> {
    let example = "write the port and the path, such as `8000/health`";
    if text.contains("://") {
        let why = format!("{} is a URL, and that of a pod is known only when it is there", shown(text));
        return Err(Misread::new(why).help(example));
    }
    let (number, path) = text.split_once('/').unwrap_or((text, ""));
    let number = probed_port(number, text, example)?;
    if !path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        let why = format!("the path of {} has characters that no path has", shown(text));
        return Err(Misread::new(why).help("write them as `%20` and the like"));
    }
    let folders = path.split(['?']).next().unwrap_or_default().split('/');
    if folders
        .into_iter()
        .any(|folder| matches!(folder.replace("%2e", ".").replace("%2E", ".").as_str(), "." | ".."))
    {
        return Err(Misread::new(format!("the path of {} leads back", shown(text))).help(example));
    }
    Ok((number, format!("/{path}")))
}

/// Reads the number of a tcp port. One from 70000 on stands for another number at each start, so it cannot be asked.
pub(super) fn tcp_probe(text: &str) -> Result<u32, Misread> {
    probed_port(text.strip_suffix("/tcp").unwrap_or(text), text, "write the port, such as `22`")
}

fn probed_port(number: &str, text: &str, example: &str) -> Result<u32, Misread> {
    let canonical = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    let number = number.parse::<u32>().ok().filter(|number| canonical && (1..=65_535).contains(number));
    number.ok_or_else(|| Misread::new(format!("{} names no port", shown(text))).help(example))
}

/// Reads `8000/http`, `22/tcp`, or a bare `8000`, which is HTTP.
pub(super) fn port(text: &str) -> Result<Port, Misread> {
    if text.contains(':') {
        return Err(published_port(text));
    }
    let (number, protocol) = text.split_once('/').unwrap_or((text, "http"));
    let protocol = match protocol {
        "http" => Protocol::Http,
        "tcp" => Protocol::Tcp,
        "udp" => return Err(Misread::new(format!("{}: RunPod publishes no UDP ports", shown(text)))),
        "https" => {
            return Err(Misread::new("RunPod's proxy speaks HTTPS outside and HTTP to the pod")
                .fix(format!("{number}/http")));
        }
        _ => return Err(no_port(text)),
    };
    if number.contains('-') {
        let help = "RunPod publishes no ranges: list every port";
        return Err(Misread::new(format!("{} is a range of ports", shown(text))).help(help));
    }
    let canonical = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    match number.parse::<u32>() {
        Ok(number @ 1..=65_535) if canonical => Ok(Port { number, protocol }),
        Ok(number @ Port::SYMMETRIC_FROM..=Port::MOST) if canonical && protocol == Protocol::Tcp => {
            Ok(Port { number, protocol })
        }
        Ok(_) if canonical => Err(Misread::new(format!("{} is not between 1 and 65535", shown(text)))
            .help("from 70000/tcp on, RunPod gives the pod a public port with the same number inside")),
        Ok(_) | Err(_) => Err(no_port(text)),
    }
}

fn no_port(text: &str) -> Misread {
    Misread::new(format!("{} is no port such as `8000/http` or `22/tcp`", shown(text)))
}

/// Explains `8080:80` and `22:22`, the form of compose files.
fn published_port(text: &str) -> Misread {
    let inside = text.rsplit(':').next().unwrap_or_default();
    let (number, protocol) = inside.split_once('/').unwrap_or((inside, ""));
    let misread = Misread::new(format!("{}: RunPod picks the public port", shown(text)))
        .help("list the port inside the pod only");
    match (number.parse::<u32>(), protocol) {
        (Ok(22), _) => misread.fix("22/tcp"),
        (Ok(1..=65_535), "tcp") => misread.fix(format!("{number}/tcp")),
        (Ok(1..=65_535), _) => misread.fix(format!("{number}/http")),
        (Ok(_) | Err(_), _) => misread,
    }
}

/// What a short form of `gpu` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ShortGpu {
    /// `H100 SXM:2`, or a name alone.
    Named { name: GpuName, count: Option<GpuCount> },
    /// `48GB..80GB`, or `48GB:2..4`
    Memory { range: MemoryRange, count: Option<GpuCount> },
}

/// The most GPUs that one pod of any type has had.
pub(super) const MAX_GPUS: u32 = 16;

/// Reads `H100 SXM:2`, `L40S`, an exact id, or a range of memory.
pub(super) fn gpu(text: &str) -> Result<ShortGpu, Misread> {
    let trimmed = text.trim();
    let numeric = trimmed.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_size = || trimmed.starts_with(|c: char| c.is_ascii_digit()) && size(trimmed).is_ok();
    if !trimmed.contains(':') && (trimmed.contains("..") || (!numeric && is_size())) {
        return memory(trimmed).map(|range| ShortGpu::Memory { range, count: None });
    }
    if let Some((range, count)) = trimmed.split_once(':').filter(|(range, _)| is_memory(range.trim()))
        && !count.contains(':')
        && (gpu_count(count).is_ok()
            || count.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '.'))
    {
        let fixed = |misread: Misread| Misread {
            fix: misread.fix.map(|fix| format!("{}:{fix}", range.trim())),
            ..misread
        };
        let count = gpu_count(count).map_err(fixed)?;
        return memory(range.trim()).map(|range| ShortGpu::Memory { range, count: Some(count) });
    }
    let help = "write a name, `H100 SXM:2` for two of them, or `48GB..` for any GPU with that memory";
    if let "false" | "no" | "none" | "off" | "0" = trimmed.to_ascii_lowercase().as_str() {
        return Err(Misread::new(format!("{} names no GPU", shown(text)))
            .help("a pod without a GPU has `cpu: { flavors: [cpu5c], vcpus: 8 }` in its place"));
    }
    if let "true" | "yes" | "on" | "all" | "any" | "auto" | "*" = trimmed.to_ascii_lowercase().as_str() {
        return Err(Misread::new(format!("{} names no GPU", shown(text))).help(help));
    }
    if let Some(misread) = gpu_in_parts(trimmed) {
        return Err(misread);
    }
    if trimmed.is_empty() || numeric {
        return Err(Misread::new(format!("{} names no GPU", shown(text))).help(help));
    }
    let Some((name, count)) = trimmed.rsplit_once(':') else {
        return Ok(ShortGpu::Named { name: GpuName::new(trimmed), count: None });
    };
    let name = name.trim();
    match gpu_count(count) {
        Ok(count) if !name.is_empty() && !name.contains(':') && !name.contains("..") => {
            Ok(ShortGpu::Named { name: GpuName::new(name), count: Some(count) })
        }
        _ if count.trim() == "0" => {
            Err(Misread::new(format!("{}: a GPU pod has at least 1 GPU", shown(text))))
        }
        Err(misread) if count.contains("..") && !name.is_empty() => {
            Err(Misread { fix: misread.fix.map(|fix| format!("{name}:{fix}")), ..misread })
        }
        Ok(_) | Err(_) => Err(Misread::new(format!("{} is no `NAME:COUNT`", shown(text))).help(help)),
    }
}

/// Reads `2`, `2..4`, `2..` or `..4`.
pub(super) fn gpu_count(text: &str) -> Result<GpuCount, Misread> {
    let no_count = || {
        Misread::new(format!("{} is no number of GPUs from 1 to {MAX_GPUS}", shown(text)))
            .help("write `2`, `2..4` for two to four, `2..` for two or more, `..4` for four or less")
    };
    let number = |text: &str| {
        let text = text.trim();
        let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let number = text.parse().ok().filter(|number| digits && (1..=MAX_GPUS).contains(number));
        number.ok_or_else(no_count)
    };
    let Some((least, most)) = text.split_once("..") else {
        return number(text).map(GpuCount::exactly);
    };
    let (least, most) = match (least.trim(), most.trim()) {
        ("", "") => return Err(no_count()),
        (least, "") => (number(least)?, MAX_GPUS),
        ("", most) => (1, number(most)?),
        (least, most) => (number(least)?, number(most)?),
    };
    if least > most {
        return Err(Misread::new("the lower bound is above the upper").fix(format!("{most}..{least}")));
    }
    Ok(GpuCount { least, most })
}

/// Explains `A100:80GB:2`, as dstack writes memory and number beside a name.
fn gpu_in_parts(text: &str) -> Option<Misread> {
    let parts: Vec<&str> = text.split(':').map(str::trim).collect();
    let is_memory = |part: &&str| is_memory(part);
    let is_count = |part: &&str| gpu_count(part).is_ok();
    let range = *parts.iter().find(|part| is_memory(part))?;
    let counts: Vec<&str> = parts.iter().copied().filter(is_count).collect();
    let names: Vec<&str> = parts.iter().copied().filter(|part| !is_memory(part) && !is_count(part)).collect();
    let misread = Misread::new(format!("{}: memory stands in a key of its own", shown(text)));
    let (count, name) = match (counts.as_slice(), names.as_slice()) {
        ([], [] | [_]) => (String::new(), names.first()),
        ([count], [] | [_]) => (format!(", count: {count}"), names.first()),
        (_, _) => return Some(misread.help("write `gpu: { any_of: [NAME], memory: 80GB, count: 2 }`")),
    };
    let name = name.filter(|name| !name.contains("..") && !name.is_empty());
    let any_of = name.map(|name| format!("any_of: [{name}], ")).unwrap_or_default();
    Some(misread.fix(format!("{{ {any_of}memory: {range}{count} }}")))
}

/// Reads `>=12.4`.
pub(super) fn cuda(text: &str) -> Result<CudaWish, Misread> {
    let misread = Misread::new(format!("{} is no CUDA limit", shown(text)));
    if let Some(version) = text.strip_prefix(">=") {
        return cuda_version(version.trim()).map(CudaWish::AtLeast).map_err(|_| misread);
    }
    let bare = text.trim_start_matches(['=', '^', '~', '>', ' ']);
    match cuda_version(bare) {
        Ok(version) => Err(misread
            .help(format!("`[\"{version}\"]` accepts exactly that version"))
            .fix(format!("\">={version}\""))),
        Err(_) => {
            Err(misread.help("write `\">=12.4\"`, or a list of exact versions, `[\"12.4\", \"12.8\"]`"))
        }
    }
}

/// Reads `12.4`, as RunPod matches it: exactly two numbers.
pub(super) fn cuda_version(text: &str) -> Result<CudaVersion, Misread> {
    let number =
        |text: &str| !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((major, minor)) if number(major) && number(minor) => Ok(CudaVersion::new(text)),
        Some(_) | None => Err(Misread::new(format!("{} is no CUDA version such as `12.4`", shown(text)))),
    }
}

/// Reads `models:/models`, the short form of a network volume.
pub(super) fn mount(text: &str) -> Result<(&str, &str), Misread> {
    let help = "write `NAME:/path` for a volume of the top-level `volumes:`, or `{ local: 100GB, path: /workspace }`";
    let Some((name, path)) = text.split_once(':') else {
        return Err(Misread::new(format!("{} is no `NAME:/path`", shown(text))).help(help));
    };
    if name.starts_with(['/', '.', '~']) {
        let detail = format!("{}: a pod has no folders of your machine", shown(text));
        return Err(Misread::new(detail).help(help));
    }
    if let Some((path, mode)) = path.split_once(':') {
        let detail = format!("`:{mode}`: RunPod mounts every volume for reading and writing");
        return Err(Misread::new(detail).fix(format!("{name}:{path}")));
    }
    Ok((name, path))
}

/// Checks a path inside a pod.
pub(super) fn pod_path(text: &str) -> Result<(), Misread> {
    if text.starts_with('/') && text.split('/').all(|part| matches!(part, "" | ".")) {
        return Err(Misread::new(format!(
            "{} is the whole container, and nothing can be mounted over it",
            shown(text)
        ))
        .help("mount below it, at a path such as `/workspace`"));
    }
    if !text.starts_with('/') || text.split('/').any(|part| part == "..") || text.contains(['\n', '\r']) {
        return Err(Misread::new(format!("{} is no absolute path inside the pod", shown(text))));
    }
    Ok(())
}

/// Checks that a path of the shell stays in the working directory, by its text; links are the reader's business.
pub(super) fn is_inside_working_directory(path: &str) -> bool {
    let mut depth: i32 = 0;
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.is_empty() || path.starts_with(['/', '\\', '~']) || drive {
        return false;
    }
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return false;
        }
    }
    depth > 0
}

/// Joins exact versions to a wish.
pub(super) fn exact_cuda(versions: impl IntoIterator<Item = CudaVersion>) -> CudaWish {
    let versions: BTreeSet<CudaVersion> = versions.into_iter().collect();
    if versions.is_empty() { CudaWish::Any } else { CudaWish::OneOf(versions) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes what a form makes of each text: the value, or the explanation with its fix.
    fn table<T: std::fmt::Debug>(texts: &str, read: impl Fn(&str) -> Result<T, Misread>) -> String {
        let mut lines = String::new();
        for text in texts.split('|') {
            let line = match read(text) {
                Ok(value) => format!("{value:?}"),
                Err(Misread { detail, help: _, fix }) => {
                    format!("error: {detail}{}", fix.map(|fix| format!(" -> {fix}")).unwrap_or_default())
                }
            };
            lines.push_str(&format!("{text:12} {line}\n"));
        }
        lines
    }

    #[test]
    fn sizes() {
        let texts = "60GB|2TB|0GB|60|60 GB|60gb|60GiB|060GB|1.5TB|-1GB|9999999TB|";
        insta::assert_snapshot!(table(texts, size), @r#"
        60GB         Gigabytes(60)
        2TB          Gigabytes(2000)
        0GB          error: a size is at least 1GB
        60           error: `60` is no size such as `60GB` -> 60GB
        60 GB        error: `60 GB` is no size such as `60GB` -> 60GB
        60gb         error: `60gb` is no size such as `60GB` -> 60GB
        60GiB        error: `60GiB` is no size such as `60GB` -> 60GB
        060GB        error: `060GB` is no size such as `60GB` -> 60GB
        1.5TB        error: `1.5TB` is no size such as `60GB`
        -1GB         error: `-1GB` is no size such as `60GB`
        9999999TB    error: `9999999TB` is no size such as `60GB`
                     error: `` is no size such as `60GB`
        "#);
    }

    #[test]
    fn memory_ranges() {
        let texts = "48GB..|..24GB|48GB..80GB|48GB|80GB..48GB|..|48..80|";
        insta::assert_snapshot!(table(texts, memory), @r#"
        48GB..       MemoryRange { min: Some(Gigabytes(48)), max: None }
        ..24GB       MemoryRange { min: None, max: Some(Gigabytes(24)) }
        48GB..80GB   MemoryRange { min: Some(Gigabytes(48)), max: Some(Gigabytes(80)) }
        48GB         MemoryRange { min: Some(Gigabytes(48)), max: Some(Gigabytes(48)) }
        80GB..48GB   error: the lower bound is above the upper -> 48GB..80GB
        ..           error: `..` is no range of memory
        48..80       error: `48..80` is no range of memory
                     error: `` is no range of memory
        "#);
        for text in ["48GB..", "..24GB", "48GB..80GB", "48GB"] {
            assert_eq!(memory(text).map(write_memory), Ok(Some(text.to_owned())));
        }
    }

    #[test]
    fn prices() {
        let texts = "2.20|2|0.000001|0.0000001|0|0.0|-1|$2.20|2.20 USD/h|1e3|100001|2.|";
        insta::assert_snapshot!(table(texts, price), @r#"
        2.20         Hourly(2200000)
        2            Hourly(2000000)
        0.000001     Hourly(1)
        0.0000001    error: `0.0000001` has more than six decimals
        0            error: a price is above 0
        0.0          error: a price is above 0
        -1           error: `-1` is no price in USD an hour
        $2.20        error: `$2.20` is no price in USD an hour -> 2.20
        2.20 USD/h   error: `2.20 USD/h` is no price in USD an hour -> 2.20
        1e3          error: `1e3` is no price in USD an hour
        100001       error: `100001` is above 100000 USD an hour
        2.           error: `2.` is no price in USD an hour
                     error: `` is no price in USD an hour
        "#);
        for text in ["2.20", "0.000001", "100.125", "3.00"] {
            assert_eq!(price(text).map(write_price), Ok(text.to_owned()));
        }
    }

    #[test]
    fn ports() {
        let texts = "8000/http|22/tcp|8000|70001/tcp|70001/http|0/tcp|65536/tcp|53/udp|443/https|8080:80|22:22|127.0.0.1:80:80|8000-8010|http|022/tcp|+1/tcp|";
        insta::assert_snapshot!(table(texts, port), @r#"
        8000/http    Port { number: 8000, protocol: Http }
        22/tcp       Port { number: 22, protocol: Tcp }
        8000         Port { number: 8000, protocol: Http }
        70001/tcp    Port { number: 70001, protocol: Tcp }
        70001/http   error: `70001/http` is not between 1 and 65535
        0/tcp        error: `0/tcp` is no port such as `8000/http` or `22/tcp`
        65536/tcp    error: `65536/tcp` is not between 1 and 65535
        53/udp       error: `53/udp`: RunPod publishes no UDP ports
        443/https    error: RunPod's proxy speaks HTTPS outside and HTTP to the pod -> 443/http
        8080:80      error: `8080:80`: RunPod picks the public port -> 80/http
        22:22        error: `22:22`: RunPod picks the public port -> 22/tcp
        127.0.0.1:80:80 error: `127.0.0.1:80:80`: RunPod picks the public port -> 80/http
        8000-8010    error: `8000-8010` is a range of ports
        http         error: `http` is no port such as `8000/http` or `22/tcp`
        022/tcp      error: `022/tcp` is no port such as `8000/http` or `22/tcp`
        +1/tcp       error: `+1/tcp` is no port such as `8000/http` or `22/tcp`
                     error: `` is no port such as `8000/http` or `22/tcp`
        "#);
    }

    #[test]
    fn gpus() {
        let texts = "true|All|any|*|24GB:2|24GB..:2|2:24GB|A100:80GB|A100:80GB:2|80GB:A100:2|false|none|0|L40S|H100 SXM:2|NVIDIA GeForce RTX 4090|48GB..80GB|48GB|H100:0|H100:x|H100:80GB:2|2|:2|";
        insta::assert_snapshot!(table(texts, gpu), @r#"
        true         error: `true` names no GPU
        All          error: `All` names no GPU
        any          error: `any` names no GPU
        *            error: `*` names no GPU
        24GB:2       Memory { range: MemoryRange { min: Some(Gigabytes(24)), max: Some(Gigabytes(24)) }, count: Some(GpuCount { least: 2, most: 2 }) }
        24GB..:2     Memory { range: MemoryRange { min: Some(Gigabytes(24)), max: None }, count: Some(GpuCount { least: 2, most: 2 }) }
        2:24GB       error: `2:24GB`: memory stands in a key of its own -> { memory: 24GB, count: 2 }
        A100:80GB    error: `A100:80GB`: memory stands in a key of its own -> { any_of: [A100], memory: 80GB }
        A100:80GB:2  error: `A100:80GB:2`: memory stands in a key of its own -> { any_of: [A100], memory: 80GB, count: 2 }
        80GB:A100:2  error: `80GB:A100:2`: memory stands in a key of its own -> { any_of: [A100], memory: 80GB, count: 2 }
        false        error: `false` names no GPU
        none         error: `none` names no GPU
        0            error: `0` names no GPU
        L40S         Named { name: GpuName("L40S"), count: None }
        H100 SXM:2   Named { name: GpuName("H100 SXM"), count: Some(GpuCount { least: 2, most: 2 }) }
        NVIDIA GeForce RTX 4090 Named { name: GpuName("NVIDIA GeForce RTX 4090"), count: None }
        48GB..80GB   Memory { range: MemoryRange { min: Some(Gigabytes(48)), max: Some(Gigabytes(80)) }, count: None }
        48GB         Memory { range: MemoryRange { min: Some(Gigabytes(48)), max: Some(Gigabytes(48)) }, count: None }
        H100:0       error: `H100:0`: a GPU pod has at least 1 GPU
        H100:x       error: `H100:x` is no `NAME:COUNT`
        H100:80GB:2  error: `H100:80GB:2`: memory stands in a key of its own -> { any_of: [H100], memory: 80GB, count: 2 }
        2            error: `2` names no GPU
        :2           error: `:2` is no `NAME:COUNT`
                     error: `` names no GPU
        "#);
    }

    #[test]
    fn cuda_limits() {
        insta::assert_snapshot!(table(">=12.4|>= 12.4|12.4|12|latest|>=12", cuda), @r#"
        >=12.4       AtLeast(CudaVersion("12.4"))
        >= 12.4      AtLeast(CudaVersion("12.4"))
        12.4         error: `12.4` is no CUDA limit -> ">=12.4"
        12           error: `12` is no CUDA limit
        latest       error: `latest` is no CUDA limit
        >=12         error: `>=12` is no CUDA limit
        "#);
    }

    #[test]
    fn mounts() {
        let texts = "models:/models|models|./data:/data|/data:/data|models:/models:ro";
        insta::assert_snapshot!(table(texts, |text| mount(text).map(|(name, path)| format!("{name} {path}"))), @r#"
        models:/models "models /models"
        models       error: `models` is no `NAME:/path`
        ./data:/data error: `./data:/data`: a pod has no folders of your machine
        /data:/data  error: `/data:/data`: a pod has no folders of your machine
        models:/models:ro error: `:ro`: RunPod mounts every volume for reading and writing -> models:/models
        "#);
    }

    #[test]
    fn paths_that_leave_the_working_directory() {
        for inside in [".secrets/jupyter", "a", "a/../b", "./a"] {
            assert!(is_inside_working_directory(inside), "{inside}");
        }
        for outside in ["", ".", "..", "../a", "/etc/passwd", "~/a", "a/../../b", "C:\\a", "\\a", "a/.."] {
            assert!(!is_inside_working_directory(outside), "{outside}");
        }
    }
}
