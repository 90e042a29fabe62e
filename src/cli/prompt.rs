//! The one question that podform asks.

use std::io::BufRead;

use tokio::sync::oneshot;

/// What a person answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    /// Anything else, or the end of the input.
    No,
}

/// Reads one line and tells whether it is `yes`. `y` is not: approving spends money, so it takes intent.
pub fn read_answer(mut input: impl BufRead) -> Answer {
    let mut line = String::new();
    match input.read_line(&mut line) {
        Ok(_) if line.trim() == "yes" => Answer::Yes,
        Ok(_) | Err(_) => Answer::No,
    }
}

/// Waits for the answer on standard input without stopping the runtime, so that a lock goes on being renewed and a
/// signal is still heard.
pub async fn ask() -> Answer {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        // The asker is gone when a signal ended the command; then nobody wants the answer.
        let _nobody = sender.send(read_answer(std::io::stdin().lock()));
    });
    receiver.await.unwrap_or(Answer::No)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_accepted() {
        let answers = ["yes\n", " yes \n", "y\n", "YES\n", "yes please\n", "no\n", "\n", ""]
            .map(|typed| read_answer(typed.as_bytes()));
        let no = [Answer::No; 6];
        assert_eq!(answers[..2], [Answer::Yes; 2]);
        assert_eq!(answers[2..], no);
    }
}
