//! A network between two programs of this computer that takes its time, and that counts what passes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// What passed.
#[derive(Default)]
pub struct Counts {
    /// How often something was sent after something had been received.
    pub round_trips: AtomicUsize,
    /// How many HTTP requests wrote something.
    pub puts: AtomicUsize,
}

/// Begins to carry to a port, each request after such a delay, and returns where it listens.
pub fn to(port: u16, delay: Duration) -> (u16, Arc<Counts>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let counts = Arc::new(Counts::default());
    let at = listener.local_addr().unwrap().port();
    let shared = Arc::clone(&counts);
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, counts) = (client.unwrap(), Arc::clone(&shared));
            thread::spawn(move || carry(client, port, delay, &counts));
        }
    });
    (at, counts)
}

/// Carries one connection. Neither side sends before it has heard the other, so that a turn is a request.
#[expect(clippy::disallowed_methods, reason = "the delay of a network is what it is about")]
fn carry(client: TcpStream, port: u16, delay: Duration, counts: &Arc<Counts>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let has_answered = Arc::new(AtomicUsize::new(1));
    let answers = {
        let (server, client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let has_answered = Arc::clone(&has_answered);
        thread::spawn(move || copy(server, client, |_| has_answered.store(1, Ordering::SeqCst)))
    };
    copy(client, server, |bytes| {
        if has_answered.swap(0, Ordering::SeqCst) == 1 {
            counts.round_trips.fetch_add(1, Ordering::SeqCst);
            if bytes.starts_with(b"PUT ") {
                counts.puts.fetch_add(1, Ordering::SeqCst);
            }
            thread::sleep(delay);
        }
    });
    answers.join().unwrap();
}

fn copy(mut from: TcpStream, mut to: TcpStream, passes: impl Fn(&[u8])) {
    let mut buffer = vec![0; 1 << 18];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        passes(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
