//! A network between podform and the server that loses what a test wants lost.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What happens to the next commit, and to the connection with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The server does it, and its answer is lost.
    Answer,
    /// What stands before it arrives, it does not.
    Commit,
    /// The same, and neither end hears that the connection is lost.
    Silence,
}

pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    to: u16,
    next: Mutex<Option<Loss>>,
    is_closed: AtomicBool,
    /// How often something was sent after something had been received.
    round_trips: AtomicUsize,
    lost: Notify,
    cut: Notify,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Arc::new(Shared {
            to: port,
            next: Mutex::new(None),
            is_closed: AtomicBool::new(false),
            round_trips: AtomicUsize::new(0),
            lost: Notify::new(),
            cut: Notify::new(),
        });
        let proxy = Self { port: listener.local_addr().unwrap().port(), shared: Arc::clone(&shared) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !shared.is_closed.load(Ordering::SeqCst) {
                    tokio::spawn(carry(client, Arc::clone(&shared)));
                }
            }
        });
        proxy
    }

    pub fn lose(&self, loss: Loss) {
        *self.shared.next.lock().unwrap() = Some(loss);
    }

    /// Returns once it was lost.
    pub async fn lost(&self) {
        let lost = tokio::time::timeout(Duration::from_secs(60), self.shared.lost.notified());
        lost.await.expect("a commit must come");
    }

    /// Ends all connections there are.
    pub fn cut(&self) {
        self.shared.cut.notify_waiters();
    }

    /// Lets nobody through from here on, or everybody again.
    pub fn close(&self, is_closed: bool) {
        self.shared.is_closed.store(is_closed, Ordering::SeqCst);
    }

    pub fn round_trips(&self) -> usize {
        self.shared.round_trips.load(Ordering::SeqCst)
    }
}

/// A query that commits, and the server's answer to it, both end like this.
const COMMIT: &[u8] = b"COMMIT\0";

fn position(of: &[u8], bytes: &[u8]) -> Option<usize> {
    bytes.windows(of.len()).position(|window| window == of)
}

async fn carry(mut client: TcpStream, shared: Arc<Shared>) -> std::io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", shared.to)).await?;
    // As both ends have it: small messages go out at once.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut sent, mut received) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut has_received = true;
    loop {
        tokio::select! {
            () = shared.cut.notified() => return Ok(()),
            read = client.read(&mut sent) => {
                let chunk = &sent[..read?];
                if chunk.is_empty() {
                    return Ok(());
                }
                if std::mem::take(&mut has_received) {
                    shared.round_trips.fetch_add(1, Ordering::SeqCst);
                }
                let commit = position(COMMIT, chunk);
                let loss = commit.and_then(|_| shared.next.lock().unwrap().take());
                match (commit, loss) {
                    // Of its message the kind, the length and the name of the statement, which is empty, stand before it.
                    (Some(at), Some(Loss::Commit | Loss::Silence)) => server.write_all(&chunk[..at - 6]).await?,
                    _ => server.write_all(chunk).await?,
                }
                if loss == Some(Loss::Answer) {
                    let mut answer = Vec::new();
                    while position(COMMIT, &answer).is_none() {
                        assert_ne!(server.read_buf(&mut answer).await?, 0, "the server must answer");
                    }
                }
                if loss.is_some() {
                    shared.lost.notify_one();
                    if loss == Some(Loss::Silence) {
                        std::future::pending::<()>().await;
                    }
                    return Ok(());
                }
            }
            read = server.read(&mut received) => {
                let chunk = &received[..read?];
                if chunk.is_empty() {
                    return Ok(());
                }
                has_received = true;
                client.write_all(chunk).await?;
            }
        }
    }
}
