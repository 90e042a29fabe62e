//! What looks like a secret: the one list of patterns.
//!
//! A literal in `env:` whose key or value matches is kept out of plans, state and logs and sent all the same; the user
//! is told to move it to `secrets:`. The patterns lean towards hiding: a wrongly hidden value costs a warning, a
//! shown one costs a key.
//!
//! A **key** is split into words at `_`, `-`, `.` and at changes from small to capital letters. It matches if one of its
//! words is in [`KEY_WORDS`], or if it ends in one of [`KEY_ENDINGS`], unless it is one of [`PUBLIC_KEYS`] or its last word
//! says that it is about a secret rather than one ([`ABOUT`]: `TOKEN_FILE`, `PASSWORD_LENGTH`). Under such a key, an empty
//! value, a number, `true`, `false` and the name of a variable are no secrets: `MAX_TOKEN: 4096` is a setting. A key that
//! ends in one of [`WEAK_ENDINGS`] (`SORT_KEY`, `HTTP_AUTH`) matches if the value is no plain word and no path.
//!
//! A **value** matches by what it is, wherever it stands in a text: behind one of [`VALUE_PREFIXES`] or `Bearer`, as a JSON
//! Web Token, in the signature of a URL, in the address of a web hook, as user or password of a URL, as a private key
//! block, as what stands behind a secret key in JSON or in an assignment, or as a long text without a pattern.
//!
//! An **argument** of a command matches if its value does, or if its option is a key that matches.

use std::ops::Range;

use super::secret;

/// Words of keys that name a secret.
pub const KEY_WORDS: &[&str] = &[
    "TOKEN",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASSCODE",
    "PASS",
    "PWD",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "APIKEY",
    "APITOKEN",
    "JWT",
];

/// Ends of words that name a secret, as programs glue them to what it is for: `PGPASSWORD`.
pub const WORD_ENDINGS: &[&str] =
    &["PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "APITOKEN", "AUTHTOKEN", "ACCESSTOKEN", "HFTOKEN"];

/// Ends of keys that name a secret.
pub const KEY_ENDINGS: &[&str] = &[
    "API_KEY",
    "ACCESS_KEY",
    "ACCESS_KEY_ID",
    "PRIVATE_KEY",
    "SECRET_KEY",
    "SIGNING_KEY",
    "ENCRYPTION_KEY",
    "ACCOUNT_KEY",
    "MASTER_KEY",
];

/// Ends of keys that often name a secret, and as often a setting.
pub const WEAK_ENDINGS: &[&str] =
    &["KEY", "AUTH", "DSN", "COOKIE", "SIGNATURE", "SALT", "PAT", "PW", "WEBHOOK", "AUTHORIZATION"];

/// Last words of keys that are about a secret and not one.
pub const ABOUT: &[&str] = &[
    "FILE",
    "PATH",
    "DIR",
    "URL",
    "URI",
    "NAME",
    "TYPE",
    "LENGTH",
    "LIMIT",
    "COUNT",
    "SIZE",
    "TTL",
    "HEADER",
    "ALGORITHM",
    "MODE",
    "PREFIX",
    "PROVIDER",
    "BACKEND",
    "ENABLED",
    "EXPIRY",
    "TIMEOUT",
];

/// Keys that match and are public all the same.
pub const PUBLIC_KEYS: &[&str] = &["PWD", "OLDPWD", "SSH_AUTH_SOCK"];

/// How values begin that some service issued as a secret.
pub const VALUE_PREFIXES: &[&str] = &[
    "hf_",
    "api_org_",
    "sk-",
    "sk_",
    "rk_",
    "pk-lf-",
    "whsec_",
    "rpa_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "gldt-",
    "glrt-",
    "glptt-",
    "glcbt-",
    "gloas-",
    "xoxa-",
    "xoxb-",
    "xoxe-",
    "xoxp-",
    "xoxr-",
    "xoxs-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "GOCSPX-",
    "r8_",
    "gsk_",
    "xai-",
    "pplx-",
    "tvly-",
    "jina_",
    "lsv2_",
    "csk-",
    "fw_",
    "nvapi-",
    "pypi-",
    "npm_",
    "rubygems_",
    "dckr_pat_",
    "dckr_oat_",
    "tgp_",
    "dop_v1_",
    "doo_v1_",
    "dapi",
    "hvs.",
    "hvb.",
    "SG.",
    "shpat_",
    "shpss_",
    "shpca_",
    "shppa_",
    "sbp_",
    "sb_secret_",
    "figd_",
    "ntn_",
    "secret_",
    "lin_api_",
    "PMAK-",
    "NRAK-",
    "glsa_",
    "glc_",
    "tskey-",
    "pul-",
    "phx_",
    "key-",
    "ATATT3",
    "ATBB",
    "fo1_",
    "EZAK",
    "AGE-SECRET-KEY-",
    "wandb_v1_",
];

/// How much must follow a prefix, so that `sk-learn` stays a word.
pub const VALUE_LENGTH: usize = 12;

/// Addresses that whoever knows them may write to, up to where the secret part begins.
pub const WEB_HOOKS: &[&str] = &[
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "hooks.slack.com/triggers/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    "webhook.office.com/webhookb2/",
    "outlook.office.com/webhook/",
    "hooks.zapier.com/hooks/catch/",
    "maker.ifttt.com/trigger/",
    "api.telegram.org/bot",
    "hc-ping.com/",
    "chat.googleapis.com/v1/spaces/",
];

/// Parameters of URLs that stand for a right.
pub const URL_PARAMETERS: &[&str] = &[
    "x-amz-signature",
    "x-amz-security-token",
    "x-goog-signature",
    "signature",
    "sig",
    "token",
    "access_token",
    "id_token",
    "refresh_token",
    "auth",
    "authkey",
    "apikey",
    "api_key",
    "api-key",
    "key",
    "secret",
    "client_secret",
    "password",
    "pwd",
];

/// The fewest characters of a text without a pattern that count as a secret.
const LEAST_RANDOM: usize = 24;

/// Tells whether a variable with this key and literal value is treated as a secret.
pub fn is_secret(key: &str, value: &str) -> bool {
    is_secret_value(value)
        || !is_setting(value) && (is_secret_key(key) || (is_weak_key(key) && !is_word(value)))
}

/// Tells whether a value is treated as a secret for what it has beside references to secrets of RunPod, which are none:
/// `Bearer {{ RUNPOD_SECRET_hf }}` shows nothing, and what it refers to must be seen.
pub fn is_secret_beside_references(key: &str, value: &str) -> bool {
    let Some(rest) = secret::without_references(value) else { return is_secret(key, value) };
    let rest = rest.trim();
    let is_scheme = ["", "bearer", "basic", "token"].iter().any(|scheme| rest.eq_ignore_ascii_case(scheme));
    !is_scheme && is_secret(key, rest)
}

/// Tells whether a key names a secret, whatever its value.
pub fn is_secret_key(key: &str) -> bool {
    let words = words(key);
    !is_about_secrets(&words) && (words.split('_').any(is_key_word) || ends_in_one(&words, KEY_ENDINGS))
}

/// Tells whether a word of a key names a secret, the second or third of them too.
fn is_key_word(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    KEY_WORDS.contains(&word) || WORD_ENDINGS.iter().any(|ending| word.ends_with(ending))
}

/// Tells whether a key may name a secret.
fn is_weak_key(key: &str) -> bool {
    let words = words(key);
    !is_about_secrets(&words) && ends_in_one(&words, WEAK_ENDINGS)
}

fn is_about_secrets(words: &str) -> bool {
    let last = words.rsplit('_').next().unwrap_or_default();
    ABOUT.contains(&last) || PUBLIC_KEYS.contains(&words) || words.ends_with("PUBLIC_KEY")
}

fn ends_in_one(words: &str, endings: &[&str]) -> bool {
    let ends_in = |ending: &&str| {
        words.strip_suffix(ending).is_some_and(|before| before.is_empty() || before.ends_with('_'))
    };
    endings.iter().any(ends_in)
}

/// Tells whether there is a secret among the words of a command.
pub fn hold_a_secret(words: &[String]) -> bool {
    let previous = std::iter::once(None).chain(words.iter().map(|word| Some(word.as_str())));
    previous.zip(words).any(|(previous, word)| is_secret_value(word) || is_secret_argument(previous, word))
}

/// Tells whether an argument is a secret by its option: `--api-key VALUE` or `--api-key=VALUE`.
///
/// A value that the container's shell puts in (`$KEY`) is none.
pub fn is_secret_argument(previous: Option<&str>, argument: &str) -> bool {
    let is_option =
        |text: &str| text.starts_with('-') && !text.contains(char::is_whitespace) && is_secret_key(text);
    let is_value = |text: &str| !is_setting(text) && !text.starts_with('-');
    match argument.split_once('=') {
        Some((option, value)) if option.starts_with('-') => is_option(option) && is_value(value),
        Some(_) | None => previous.is_some_and(is_option) && is_value(argument),
    }
}

/// Tells whether a value itself gives away that it is a secret.
pub fn is_secret_value(value: &str) -> bool {
    !value_ranges(value).is_empty()
}

/// Tells whether a text under a key that names a secret is a setting all the same.
pub fn is_setting(value: &str) -> bool {
    let value = value.trim();
    let is_word = matches!(value, "true" | "false" | "null" | "~" | "none" | "None" | "auto");
    value.bytes().all(|b| b == b'.')
        || value.parse::<f64>().is_ok()
        || is_word
        || value.starts_with('$')
        || value.starts_with("{{")
}

/// Tells whether a text is a plain word or a path, such as nobody takes for a secret.
fn is_word(value: &str) -> bool {
    let is_path = ["/", "./", "../", "~/"].iter().any(|start| value.starts_with(start));
    let of_letters =
        value.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b' ' | b'.' | b','));
    is_path || value.chars().count() < 6 || (of_letters && value.len() < LEAST_RANDOM)
}

/// Returns the words of a key in capital letters, joined by `_`.
fn words(key: &str) -> String {
    let mut words = String::with_capacity(key.len() + 4);
    let mut previous_was_small = false;
    let mut at_end_of_word = false;
    for character in key.chars() {
        let separator = !character.is_ascii_alphanumeric();
        at_end_of_word |= separator || (previous_was_small && character.is_ascii_uppercase());
        if !separator {
            if at_end_of_word && !words.is_empty() {
                words.push('_');
            }
            words.push(character.to_ascii_uppercase());
            at_end_of_word = false;
        }
        previous_was_small = character.is_ascii_lowercase();
    }
    words
}

/// Returns where secrets stand in a text.
///
/// Prose is left alone: "invalid token: expected a text" is no secret.
pub fn value_ranges(text: &str) -> Vec<Range<usize>> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY") || text.starts_with("PuTTY-User-Key-File")
    {
        return std::iter::once(0..text.len()).collect();
    }
    let mut ranges = Vec::new();
    let mut previous = "";
    for word in words_of(text) {
        let token = &text[word.clone()];
        let is_bearer = ["bearer", "basic"].iter().any(|scheme| previous.eq_ignore_ascii_case(scheme));
        // An issued token may stand behind something that is joined to it, as in `token=hf_...` or `bot:ghp_...`.
        if let Some(start) = issued(token) {
            ranges.push(word.start + start..word.end);
        } else if is_json_web_token(token) || is_random(token) || (is_bearer && is_credential(token)) {
            ranges.push(word.clone());
        }
        previous = token;
    }
    ranges.extend(url_users(text));
    ranges.extend(url_parameters(text));
    ranges.extend(web_hooks(text));
    ranges.extend(assigned(text));
    ranges
}

/// Returns the runs of characters that tokens are made of.
fn words_of(text: &str) -> impl Iterator<Item = Range<usize>> {
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '~');
    let mut place = 0;
    std::iter::from_fn(move || {
        let start = place + text[place..].find(in_word)?;
        let end = text[start..].find(|c| !in_word(c)).map_or(text.len(), |length| start + length);
        place = end;
        Some(start..end)
    })
}

/// Returns where in a word a token begins that some service issued.
fn issued(word: &str) -> Option<usize> {
    let body = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_issued = |part: &str| {
        VALUE_PREFIXES.iter().any(|prefix| {
            part.strip_prefix(prefix).is_some_and(|rest| {
                let length = rest.find(|c| !body(c)).unwrap_or(rest.len());
                // Words follow some prefixes too: `key-value-store-name`, `pul-...`; what is issued has digits.
                let body = &rest[..length];
                length >= VALUE_LENGTH
                    && (body.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
                        || !body.contains(['-', '_', '.']))
            })
        })
    };
    let starts = std::iter::once(0).chain(word.match_indices('/').map(|(at, _)| at + 1));
    starts.filter(|start| word.len() > start + VALUE_LENGTH).find(|start| is_issued(&word[*start..]))
}

fn is_json_web_token(word: &str) -> bool {
    let mut parts = word.split('.').map(str::len);
    word.starts_with("eyJ") && [parts.next(), parts.next()].iter().all(|length| *length >= Some(10))
}

/// Tells whether what follows `Bearer` or `Basic` is one of these rather than the next word of a sentence.
fn is_credential(word: &str) -> bool {
    word.len() >= 8 && !is_word(word) || word.len() >= LEAST_RANDOM
}

/// Tells whether a word has no pattern: capitals, small letters and digits that take turns as they do by chance.
///
/// Names, paths and model names change far less often from one kind to the other; hashes have no capitals.
fn is_random(word: &str) -> bool {
    let word = word.trim_end_matches('.');
    // Public keys of SSH begin so, with the length of their kind's name.
    if word.len() < LEAST_RANDOM || word.starts_with("AAAA") {
        return false;
    }
    let kind = |b: u8| match b {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let kinds: Vec<usize> = word.bytes().map(kind).filter(|kind| *kind < 3).collect();
    let count = |kind: usize| kinds.iter().filter(|found| **found == kind).count();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    // By chance 62 of 100 neighbours differ; 42 are enough, as short words vary.
    (0..3).all(|kind| count(kind) >= 2) && changes * 100 >= kinds.len() * 42
}

/// Returns the passwords of `scheme://user:password@host`, and users that are tokens.
fn url_users(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let colons = text.match_indices(':').map(|(at, _)| at);
    for scheme in colons.filter(|at| text[*at..].starts_with("://")) {
        let rest = &text[scheme + 3..];
        let authority = &rest[..rest.find(['/', ' ', '\n', '"', '\'', '?', '#']).unwrap_or(rest.len())];
        let Some((user, _)) = authority.rsplit_once('@') else { continue };
        let start = scheme + 3;
        match user.split_once(':') {
            Some((name, password)) if !password.is_empty() && !is_put_in_later(password) => {
                let start = start + name.len() + 1;
                ranges.push(start..start + password.len());
            }
            None if user.len() >= 16 && !is_word(user) && !user.starts_with('$') => {
                ranges.push(start..start + user.len());
            }
            Some(_) | None => {}
        }
    }
    ranges
}

/// Tells whether a password of a URL is put in later. A number is a password here.
fn is_put_in_later(password: &str) -> bool {
    password.starts_with('$') || password.starts_with("{{")
}

/// Returns the values of the parameters of URLs that stand for a right.
fn url_parameters(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for (sign, _) in text.match_indices(['?', '&']) {
        let rest = &text[sign + 1..];
        let end =
            rest.find(|c: char| c.is_whitespace() || matches!(c, '&' | '#' | '"' | '\'' | '`' | '>' | ')'));
        let Some((name, value)) = rest[..end.unwrap_or(rest.len())].split_once('=') else { continue };
        let is_right = URL_PARAMETERS.iter().any(|right| name.eq_ignore_ascii_case(right));
        if is_right && value.len() >= 8 && !is_setting(value) {
            let start = sign + 1 + name.len() + 1;
            ranges.push(start..start + value.len());
        }
    }
    ranges
}

/// Returns what stands behind the addresses of web hooks.
fn web_hooks(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    // Getting ready to search for a text takes longer than most values are long, and every value is searched.
    for (at, _) in text.match_indices('/') {
        let hooks = WEB_HOOKS.iter().filter_map(|hook| hook.split_once('/'));
        let is_hook =
            |(host, path): &(&str, &str)| text[..at].ends_with(host) && text[at + 1..].starts_with(path);
        for (_, path) in hooks.filter(is_hook) {
            let start = at + 1 + path.len();
            let rest = &text[start..];
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '>' | ')'));
            let secret = &rest[..end.unwrap_or(rest.len())];
            if secret.len() >= 8 && !is_setting(secret) {
                ranges.push(start..start + secret.len());
            }
        }
    }
    ranges
}

/// Returns what is quoted, or follows an equals sign, behind a key that names a secret: in JSON, in a line of a shell, in
/// a message of somebody else.
fn assigned(text: &str) -> Vec<Range<usize>> {
    const QUOTES: [char; 3] = ['"', '\'', '`'];
    let in_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut ranges = Vec::new();
    for (sign, equals) in text.match_indices([':', '=']) {
        let before = text[..sign].trim_end_matches(['"', '\'', '`', '\\', ' ']);
        let key_start = before
            .rfind(|c| !in_key(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        if !is_secret_key(&before[key_start..]) {
            continue;
        }
        let rest = text[sign + 1..].trim_start_matches([' ', '\\']);
        let start = text.len() - rest.len();
        let value = match rest.chars().next().filter(|first| QUOTES.contains(first)) {
            Some(quote) => {
                let inner = &rest[1..];
                let end = inner.find(quote).unwrap_or(inner.len());
                start + 1..start + 1 + inner[..end].trim_end_matches('\\').len()
            }
            None if equals == "=" && start == sign + 1 => {
                let ends = |c: char| {
                    c.is_whitespace() || matches!(c, ',' | ';' | '&' | '"' | '\'' | '`' | '}' | ')' | '|')
                };
                start..start + rest.find(ends).unwrap_or(rest.len())
            }
            None => continue,
        };
        if !is_setting(&text[value.clone()]) && !text[value.clone()].starts_with('-') {
            ranges.push(value);
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variables that hold a secret.
    const SECRETS: &[(&str, &str)] = &[
        ("HF_TOKEN", "abc"),
        ("WANDB_API_KEY", "0123456789abcdef0123456789abcdef01234567"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("dbPassword", "hunter2"),
        ("JUPYTER_PASSWORD", "hunter2"),
        ("api-key", "x"),
        ("MY_APIKEY", "x"),
        ("REDIS_PASS", "correct horse"),
        ("DB_PASSWD", "x"),
        ("GCP_CREDENTIALS", "{}x"),
        ("SSH_KEY", "AAAAB3NzaC1yc2E7"),
        ("LICENSE_KEY", "ABCD-1234-EFGH-5678"),
        ("REGISTRY_AUTH", "Ym90Omh1bnRlcjI="),
        ("HTTP_AUTH", "bot:hunter2"),
        ("SENTRY_DSN", "https://0123456789abcdef@o1.ingest.example/1"),
        ("DB_DSN", "host=db user=bot password=hunter2"),
        ("SESSION_COOKIE", "sid=12345678"),
        ("PASSWORD_SALT", "8f3a9c1e"),
        ("DATABASE_URL", "postgres://bot:hunter2@db/x"),
        ("DATABASE_URL", "postgres://bot:12345@db/x"),
        ("REPOSITORY", "https://0123456789abcdef01234567@git.example/x.git"),
        ("A", "hf_abcdefghijklmnopqrst"),
        ("A", "Bearer sk-proj-0123456789abcdef"),
        ("HEADER", "Authorization: Bearer abcdef0123456789"),
        ("HEADER", "Authorization: Basic Ym90Omh1bnRlcjI="),
        ("A", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"),
        ("A", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc"),
        ("A", "https://hooks.slack.com/services/T0000/B0000/abcdefgh"),
        ("A", "https://discord.com/api/webhooks/1234/abcdefgh"),
        ("A", "https://api.telegram.org/bot123456:ABCDEF/sendMessage"),
        ("A", "https://bucket.s3.amazonaws.com/x?X-Amz-Date=1&X-Amz-Signature=0123456789abcdef"),
        ("A", "https://blob.example/x?se=2026&sig=abcdefgh%3D"),
        ("A", "wss://host/ws?access_token=abcdefgh"),
        ("CONFIG", r#"{"user":"bot","password":"hunter2"}"#),
        ("CONFIG", r#"{"api_key": "abc"}"#),
        ("CONFIG", "token=abc;host=x"),
        ("A", "Zm9vYmFy7QxK2pL9sVtR4wYb8NcD1eHg"),
        ("A", "k3J9fQ2mX7vB1nL5pR8tW4zY6cH0sD"),
        ("A", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        ("A", "glpat-abcdefghij0123456789"),
        ("A", "xoxb-123456789012-abcdefghijkl"),
        ("A", "rpa_ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("A", "SG.abcdefghijklmnop.qrstuvwxyz012345"),
        ("A", "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQ"),
        ("A", "dckr_pat_abcdefghijklmnopqrst"),
    ];

    /// Variables that hold none.
    const SETTINGS: &[(&str, &str)] = &[
        ("MAX_TOKENS", "many"),
        ("MAX_TOKEN", "4096"),
        ("USE_TOKEN", "true"),
        ("API_KEY", ""),
        ("API_KEY", "..."),
        ("API_KEY", "${API_KEY}"),
        ("API_KEY", "$API_KEY"),
        ("HF_TOKEN", "{{ RUNPOD_SECRET_hf }}"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("PUBLIC_KEY", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI bot@host"),
        ("SSH_PUBLIC_KEY", "ssh-rsa AAAAB3"),
        ("KEYBOARD", "de"),
        ("AUTHOR", "someone else"),
        ("MONKEY", "see"),
        ("PWD", "/workspace"),
        ("SSH_AUTH_SOCK", "/run/ssh"),
        ("SORT_KEY", "created_at"),
        ("CACHE_KEY", "v1"),
        ("REGISTRY_AUTH", "basic"),
        ("SSH_KEY", "/root/.ssh/id_ed25519"),
        ("TOKEN_FILE", "/run/secrets/token"),
        ("PASSWORD_FILE", "secret.txt"),
        ("TOKEN_TYPE", "bearer"),
        ("TOKEN_URL", "https://login.example/oauth2/token"),
        ("SECRET_NAME", "db-credentials"),
        ("A", "sk-learn"),
        ("A", "hf_home"),
        ("A", "AKIA"),
        ("A", "key-value-store-of-mine"),
        ("A", "https://example.org/a:b@c"),
        ("A", "git@github.com:acme/pods.git"),
        ("A", "postgres://bot:${PASSWORD}@db/x"),
        ("A", "https://example.org/search?key=value&q=token"),
        ("MODEL", "meta-llama/Llama-3.1-70B-Instruct-AWQ-INT4"),
        ("MODEL", "Qwen/Qwen2.5-Coder-32B-Instruct-GPTQ-Int8"),
        ("MODEL", "black-forest-labs/FLUX.1-Kontext-dev"),
        (
            "IMAGE",
            "nvcr.io/nvidia/pytorch@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ),
        ("REVISION", "3f2a9c4be01d7786c0de5a1f3f2a9c4be01d7786"),
        ("ID", "123e4567-e89b-12d3-a456-426614174000"),
        ("PATH", "/usr/local/nvidia/bin:/usr/local/cuda/bin:/usr/bin"),
        ("LD_LIBRARY_PATH", "/usr/local/lib/python3.12/dist-packages/torch/lib"),
        ("ARGS", "--max-model-len 32768 --gpu-memory-utilization 0.95 --enable-auto-tool-choice"),
        ("A", "invalid token: expected a text"),
        ("PROMPT", "You are a bearer of good news and basic instructions."),
        ("A", "éééééééééééééééééééé"),
    ];

    #[test]
    fn secrets_are_told_from_settings() {
        let missed: Vec<_> = SECRETS.iter().filter(|(key, value)| !is_secret(key, value)).collect();
        let wrong: Vec<_> = SETTINGS.iter().filter(|(key, value)| is_secret(key, value)).collect();
        assert!(missed.is_empty() && wrong.is_empty(), "missed: {missed:#?}\nwrong: {wrong:#?}");
    }

    #[test]
    fn arguments_that_an_option_or_an_assignment_makes_a_secret() {
        assert!(is_secret_argument(Some("--api-key"), "hunter2"));
        assert!(is_secret_argument(None, "--api-key=hunter2"));
        assert!(is_secret_argument(Some("--api-key"), "a=b"));
        for (previous, argument) in [
            (Some("--api-key"), "$API_KEY"),
            (Some("--api-key"), "--port"),
            (Some("--max-tokens"), "4096"),
            (Some("--tokenizer"), "hf-internal/llama"),
            (Some("--model"), "hunter2"),
            (Some("--token-file"), "hunter2"),
            (None, "--port=80"),
            (Some("bash -c 'echo $TOKEN'"), "x"),
        ] {
            assert!(!is_secret_argument(previous, argument), "{previous:?} {argument}");
        }
        for (command, expected) in [
            ("export HF_TOKEN=abc && python train.py", true),
            ("curl -H 'Authorization: Bearer abcdef0123456789' https://x", true),
            ("mysql --password='hunter2' db", true),
            ("export HF_TOKEN=$TOKEN && python train.py", false),
            ("vllm serve --api-key ${KEY} --port=80", false),
            ("huggingface-cli login --token \"$HF_TOKEN\"", false),
        ] {
            assert_eq!(is_secret_value(command), expected, "{command}");
        }
    }

    #[test]
    fn only_the_secret_part_of_a_text_is_meant() {
        let hidden = |text: &str| {
            let mut out = text.to_owned();
            let mut ranges = value_ranges(text);
            ranges.sort_by_key(|range| std::cmp::Reverse(range.start));
            ranges.dedup();
            ranges.into_iter().for_each(|range| out.replace_range(range, "***"));
            out
        };
        for (text, shown) in [
            ("postgres://bot:hunter2@db/x", "postgres://bot:***@db/x"),
            (
                "at https://hooks.slack.com/services/T0/B0/abc said no",
                "at https://hooks.slack.com/services/*** said no",
            ),
            ("GET /x?a=1&sig=abcdefgh&b=2", "GET /x?a=1&sig=***&b=2"),
            (r#"{"password":"hunter2","user":"bot"}"#, r#"{"password":"***","user":"bot"}"#),
            (r#"{\"password\": \"hunter2\"}"#, r#"{\"password\": \"***\"}"#),
            ("Bearer hf_abcdefghijklmnopqrst.", "Bearer ***"),
        ] {
            assert_eq!(hidden(text), shown);
        }
    }
}
