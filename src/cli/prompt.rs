//! The one question that podform asks.

use std::io::BufRead;

use tokio::sync::oneshot;

/// Reads one line and tells whether it is `yes`. `y` is not: approving spends money, so it takes intent.
fn is_yes(mut input: impl BufRead) -> bool {
    let mut line = String::new();
    input.read_line(&mut line).is_ok() && line.trim() == "yes"
}

/// Waits for the answer on standard input without stopping the runtime, so that a lock goes on being renewed and a
/// signal is still heard.
pub async fn is_approved() -> bool {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        // The asker is gone when a signal ended the command; then nobody wants the answer.
        let _nobody = sender.send(is_yes(std::io::stdin().lock()));
    });
    receiver.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_accepted() {
        let answers = ["yes\n", " yes \n", "y\n", "YES\n", "yes please\n", "no\n", "\n", ""]
            .map(|typed| is_yes(typed.as_bytes()));
        assert_eq!(answers, [true, true, false, false, false, false, false, false]);
    }
}
