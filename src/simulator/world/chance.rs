//! Draws that look random and depend only on the seed and on what they are about, never on the order of requests.

use sha2::{Digest, Sha256};

/// Returns a number that depends on the seed and the parts alone.
pub fn draw(seed: u64, parts: &[&str]) -> u64 {
    let digest = digest(seed, parts);
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Returns a draw between `low` and `high`, both included.
pub fn between(seed: u64, parts: &[&str], low: u64, high: u64) -> u64 {
    low + draw(seed, parts) % (high - low + 1)
}

/// Returns `length` (at most 32) lower-case letters and digits, as RunPod's identifiers have them.
pub fn letters(seed: u64, parts: &[&str], length: usize) -> String {
    const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    digest(seed, parts)
        .iter()
        .take(length)
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % 36]))
        .collect()
}

/// Returns `length` (at most 64) hexadecimal digits.
pub fn hex(seed: u64, parts: &[&str], length: usize) -> String {
    let mut text: String = digest(seed, parts).iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(length);
    text
}

fn digest(seed: u64, parts: &[&str]) -> [u8; 32] {
    // In one piece: unoptimized, as in tests, adding to a hash costs more than hashing.
    let mut text = Vec::with_capacity(8 + parts.iter().map(|part| 8 + part.len()).sum::<usize>());
    text.extend_from_slice(&seed.to_be_bytes());
    for part in parts {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    Sha256::digest(&text).into()
}
