//! Server-Sent Events out of bytes, as they come: nothing but the event that is being read is kept.
//!
//! It follows the WHATWG's rules for `text/event-stream` and is lenient in one place: an `id` field ends an event whose
//! data has been read, as the published example of the API has no empty line between events.

use std::collections::VecDeque;

/// The longest event that is kept. The rest of a longer one is dropped, so that no container can fill the memory.
const LONGEST: usize = 256 << 10;

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Its id, or that of the last event that had one.
    pub(super) id: Option<String>,
    /// Its data, the lines joined.
    pub(super) data: String,
    /// Whether data was dropped.
    pub(super) cut: bool,
}

/// Reads events.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    line: Vec<u8>,
    line_is_cut: bool,
    /// The last byte was a carriage return, so that a line feed belongs to the same line end.
    after_return: bool,
    begun: bool,
    id: Option<String>,
    data: Option<String>,
    data_is_cut: bool,
    ready: VecDeque<Event>,
}

impl EventReader {
    /// Takes bytes as they came.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    self.end_line();
                }
                byte => {
                    self.after_return = false;
                    if self.line.len() < LONGEST {
                        self.line.push(*byte);
                    } else {
                        self.line_is_cut = true;
                    }
                }
            }
        }
    }

    /// Ends the stream: what was read of a last event counts, if its line is whole.
    pub(super) fn end(&mut self) {
        self.dispatch();
    }

    /// Returns the next event.
    pub(super) fn next(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    fn end_line(&mut self) {
        let bytes = std::mem::take(&mut self.line);
        let cut = std::mem::take(&mut self.line_is_cut);
        let text = String::from_utf8_lossy(&bytes);
        let text = if self.begun { &*text } else { text.strip_prefix('\u{feff}').unwrap_or(&text) };
        self.begun = true;
        if text.is_empty() {
            self.dispatch();
            return;
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => self.add(value, cut),
            "id" => {
                self.dispatch();
                // An id with a NUL is none; one that was cut names nothing.
                if !value.contains('\0') && !cut {
                    self.id = Some(value.to_owned()).filter(|id| !id.is_empty());
                }
            }
            // A comment, `event`, `retry`, or what is not known.
            _ => {}
        }
    }

    fn add(&mut self, value: &str, cut: bool) {
        let data = self.data.get_or_insert_default();
        if !data.is_empty() {
            data.push('\n');
        }
        let room = LONGEST.saturating_sub(data.len());
        let kept =
            value.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= room).last();
        let kept = kept.unwrap_or(0);
        data.push_str(&value[..kept]);
        self.data_is_cut |= cut || kept < value.len();
    }

    fn dispatch(&mut self) {
        let cut = std::mem::take(&mut self.data_is_cut);
        if let Some(data) = self.data.take() {
            self.ready.push_back(Event { id: self.id.clone(), data, cut });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<(Option<String>, String)> {
        let mut reader = EventReader::default();
        let mut events = Vec::new();
        for piece in pieces {
            reader.push(piece);
            events.extend(std::iter::from_fn(|| reader.next()));
        }
        reader.end();
        events.extend(std::iter::from_fn(|| reader.next()));
        events.into_iter().map(|event| (event.id, event.data)).collect()
    }

    fn event(id: &str, data: &str) -> (Option<String>, String) {
        (Some(id.to_owned()).filter(|id| !id.is_empty()), data.to_owned())
    }

    #[test]
    fn every_line_end_and_every_cut_of_the_bytes_gives_the_same_events() {
        let text = "\u{feff}: hello\nid: 1\nevent: log\ndata: a\ndata:b\n\ndata: ü\n\nretry: 9\nid\ndata\n\n";
        let expected = [event("1", "a\nb"), event("1", "ü"), event("", "")];
        for ending in ["\n", "\r", "\r\n"] {
            let bytes = text.replace('\n', ending).into_bytes();
            assert_eq!(read(&[&bytes]), expected, "{ending:?}");
            for cut in 0..bytes.len() {
                let (left, right) = bytes.split_at(cut);
                assert_eq!(read(&[left, right]), expected, "{ending:?} at {cut}");
            }
        }
    }

    #[test]
    fn events_without_an_empty_line_between_them_are_told_apart_by_their_ids() {
        let published = b"id: 1\ndata: a\nid: 2\ndata: b\n";
        assert_eq!(read(&[published]), [event("1", "a"), event("2", "b")]);
    }

    #[test]
    fn a_line_that_broke_off_is_no_event() {
        assert_eq!(read(&[b"id: 1\ndata: a\n\nid: 2\ndata: {\"li"]), [event("1", "a")]);
    }

    #[test]
    fn an_endless_line_takes_bounded_memory_and_is_said_to_be_cut() {
        let mut reader = EventReader::default();
        reader.push(b"data: ");
        for _ in 0..64 {
            reader.push(&[b'x'; 64 << 10]);
        }
        assert!(reader.line.capacity() <= 2 * LONGEST, "{}", reader.line.capacity());
        reader.push(b"\n\ndata: next\n\n");
        let first = reader.next().unwrap();
        assert_eq!((first.data.len(), first.cut), (LONGEST - "data: ".len(), true));
        assert_eq!(reader.next().unwrap(), Event { id: None, data: "next".to_owned(), cut: false });
    }
}
