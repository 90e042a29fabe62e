//! The grammar of image references: `[DOMAIN[:PORT]/]PATH[:TAG][@sha256:DIGEST]`.
//!
//! RunPod takes any text, and a pod whose image cannot be pulled is billed while it tries. So what no registry can have is
//! refused before anything is created.

use super::forms::Misread;
use super::sensitive::shown;

/// The longest name, without tag and digest.
const MAX_NAME: usize = 255;
/// The longest tag.
const MAX_TAG: usize = 128;
/// Digests that registries know, with the number of their hexadecimal digits.
const DIGESTS: [(&str, usize); 2] = [("sha256:", 64), ("sha512:", 128)];

/// Checks that a text is an image reference.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn check(text: &str) -> Result<(), Misread> {
    if text.chars().any(char::is_whitespace) {
        let trimmed = text.trim();
        let misread = Misread::new("an image has no spaces");
        return Err(if trimmed.contains(char::is_whitespace) { misread } else { misread.fix(trimmed) });
    }
    if let Some((_, rest)) = text.split_once("://") {
        return Err(Misread::new("an image has no scheme").fix(rest));
    }
    if let Some(place) = placeholder(text) {
        return Err(Misread::new(format!("{} stands for something that is to be filled in", shown(place))));
    }
    let (named, digest) = match text.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (text, None),
    };
    let (name, tag) = match named.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        Some(_) | None => (named, None),
    };
    self::name(name)?;
    tag.map_or(Ok(()), self::tag)?;
    digest.map_or(Ok(()), self::digest)
}

/// Returns a part such as `<tag>` or `{tag}`, as manuals write what the reader is to choose.
fn placeholder(text: &str) -> Option<&str> {
    let start = text.find(['<', '{'])?;
    if text[..start].ends_with('$') {
        return None;
    }
    let end = start + text[start..].find(['>', '}'])?;
    // `{{tag}}` has as many at its end as it begins with.
    let doubled = text[end..].chars().take_while(|&c| c == '}').count().max(1);
    Some(&text[start..end + doubled])
}

fn name(name: &str) -> Result<(), Misread> {
    if name.is_empty() {
        return Err(Misread::new("an image has a name before its tag"));
    }
    if name.len() > MAX_NAME {
        return Err(Misread::new(format!(
            "the name of an image has at most {MAX_NAME} characters, and this has {}",
            name.chars().count()
        )));
    }
    let path = match name.split_once('/') {
        Some((domain, path)) if is_domain(domain) => {
            self::domain(domain)?;
            path
        }
        Some(_) | None => name,
    };
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(Misread::new("the path of an image is lower-case"));
    }
    for part in path.split('/') {
        if part.is_empty() {
            return Err(Misread::new("an image has a name before, between and after its `/`"));
        }
        if !is_part(part) {
            let detail = format!("{} is no part of an image's name", shown(part));
            return Err(Misread::new(detail)
                .help("lower-case letters and digits, with `.`, `_`, `__` or `-` between them"));
        }
    }
    Ok(())
}

/// Tells whether the first part of a name is a registry, as registries' clients do.
fn is_domain(part: &str) -> bool {
    part == "localhost" || part.contains(['.', ':']) || part.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn domain(domain: &str) -> Result<(), Misread> {
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (domain, None),
    };
    let is_address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|inner| {
        !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
    });
    let is_label = |label: &str| {
        let inside = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        inside && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    if !is_address && !host.split('.').all(is_label) {
        return Err(Misread::new(format!("{} is no address of a registry", shown(host))));
    }
    match port {
        Some(port) if !port.parse::<u16>().is_ok_and(|number| number > 0) => {
            Err(Misread::new(format!("{} is no port of a registry", shown(port))))
        }
        Some(_) | None => Ok(()),
    }
}

/// Tells whether a part is letters and digits with single separators between them.
fn is_part(part: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = part.split(is_word).filter(|between| !between.is_empty());
    let separated =
        |between: &str| matches!(between, "." | "_" | "__") || between.bytes().all(|byte| byte == b'-');
    part.starts_with(is_word) && part.ends_with(is_word) && separators.into_iter().all(separated)
}

fn tag(tag: &str) -> Result<(), Misread> {
    if tag.is_empty() {
        return Err(Misread::new("the tag behind `:` is missing"));
    }
    if tag.len() > MAX_TAG {
        let length = tag.chars().count();
        return Err(Misread::new(format!("a tag has at most {MAX_TAG} characters, and this has {length}")));
    }
    let legal = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if legal && !tag.starts_with(['.', '-']) {
        return Ok(());
    }
    Err(Misread::new(format!("{} is no tag", shown(tag)))
        .help("letters, digits, `_`, `.` and `-`; the first is no `.` and no `-`"))
}

fn digest(digest: &str) -> Result<(), Misread> {
    let is_one = |(algorithm, length): &(&str, usize)| {
        digest.strip_prefix(algorithm).is_some_and(|hex| {
            hex.len() == *length
                && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        })
    };
    if DIGESTS.iter().any(is_one) {
        return Ok(());
    }
    Err(Misread::new(format!("{} is no digest", shown(digest)))
        .help("a digest is `sha256:` and 64 hexadecimal digits, as the registry shows it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_that_a_registry_can_have() {
        let digest = format!("x/y@sha256:{}", "0a".repeat(32));
        let both = format!("x/y:1.0@sha256:{}", "f".repeat(64));
        let longest = format!("x/y:{}", "t".repeat(128));
        for text in [
            "a",
            "ubuntu",
            "ubuntu:24.04",
            "x/y",
            "x/y:v0.19.1",
            "ghcr.io/acme/x-y_z.w/v__w:a_B-c.9",
            "localhost/x",
            "localhost:5000/x/y:1",
            "Registry.example.com:5000/x",
            "[2001:db8::1]:5000/x:1",
            "x--y/z",
            "0/1:_",
            "Host/x",
            &digest,
            &both,
            &longest,
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn references_that_no_registry_can_have() {
        let long_tag = format!("x/y:{}", "t".repeat(129));
        let long_name = format!("x/{}", "y".repeat(254));
        let texts = [
            "x/y:",
            "x/y:<tag>",
            "x/y:{tag}",
            "x/y:{{tag}}",
            "x/y:{{tag}-1}",
            "x/y@sha256:abc",
            "x/y@",
            "x/y:1@md5:abc",
            "x/Y",
            "X/Y:1",
            "Ubuntu",
            "x y",
            " x/y:1",
            "x/y:1\n",
            "https://x/y:1",
            "docker://x",
            "x/y/",
            "/x",
            "x//y",
            ":1",
            "x/y:-1",
            "x/y:a+b",
            "x/y:1:2",
            "x/-y",
            "x/y.",
            "x/y..z",
            "x/y___z",
            "x:0/y",
            "x:99999/y",
            "a.-b.c/y",
            "x/y:é",
            "é",
            &long_tag,
            &long_name,
        ];
        let said = texts.map(|text| match check(text) {
            Ok(()) => format!("{text:?} passes"),
            Err(Misread { detail, help: _, fix }) => {
                let short: String = text.chars().take(20).collect();
                format!("{short:?} {detail}{}", fix.map(|fix| format!(" -> {fix}")).unwrap_or_default())
            }
        });
        insta::assert_snapshot!(said.join("\n"), @r#"
        "x/y:" the tag behind `:` is missing
        "x/y:<tag>" `<tag>` stands for something that is to be filled in
        "x/y:{tag}" `{tag}` stands for something that is to be filled in
        "x/y:{{tag}}" `{{tag}}` stands for something that is to be filled in
        "x/y:{{tag}-1}" `{{tag}` stands for something that is to be filled in
        "x/y@sha256:abc" `sha256:abc` is no digest
        "x/y@" `` is no digest
        "x/y:1@md5:abc" `md5:abc` is no digest
        "x/Y" the path of an image is lower-case
        "X/Y:1" the path of an image is lower-case
        "Ubuntu" the path of an image is lower-case
        "x y" an image has no spaces
        " x/y:1" an image has no spaces -> x/y:1
        "x/y:1\n" an image has no spaces -> x/y:1
        "https://x/y:1" an image has no scheme -> x/y:1
        "docker://x" an image has no scheme -> x
        "x/y/" an image has a name before, between and after its `/`
        "/x" an image has a name before, between and after its `/`
        "x//y" an image has a name before, between and after its `/`
        ":1" an image has a name before its tag
        "x/y:-1" `-1` is no tag
        "x/y:a+b" `a+b` is no tag
        "x/y:1:2" `y:1` is no part of an image's name
        "x/-y" `-y` is no part of an image's name
        "x/y." `y.` is no part of an image's name
        "x/y..z" `y..z` is no part of an image's name
        "x/y___z" `y___z` is no part of an image's name
        "x:0/y" `0` is no port of a registry
        "x:99999/y" `99999` is no port of a registry
        "a.-b.c/y" `a.-b.c` is no address of a registry
        "x/y:é" `é` is no tag
        "é" `é` is no part of an image's name
        "x/y:tttttttttttttttt" a tag has at most 128 characters, and this has 129
        "x/yyyyyyyyyyyyyyyyyy" the name of an image has at most 255 characters, and this has 256
        "#);
    }
}
