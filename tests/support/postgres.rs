//! A PostgreSQL server of this process's own, that ends with it.

#![expect(clippy::disallowed_methods, reason = "a server is looked for and started")]
#![expect(clippy::disallowed_macros, reason = "what could not be shown is said")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use podform::model::id::{Lineage, ProjectName};
use podform::model::location::{Database, Tls};
use podform::model::prior::ProviderKind;
use podform::model::secret::Secret;
use podform::state::postgres::{Credentials, PostgresState};
use tokio_postgres::{Client, NoTls};

use crate::kit;

/// Of the user `postgres`, and of every role that a test makes.
pub const PASSWORD: &str = "correct-horse-battery";

/// Makes a server, says on which port it is, obeys `crash` and `start`, and ends when its input does: also when the test is
/// killed, as the kernel closes the pipe then.
const GUARD: &str = r#"
bin=$1 port=$2 dir=$(mktemp -d) || exit 1
end() { "$bin/pg_ctl" -D "$dir/data" -m immediate stop; rm -rf "$dir"; }
start() {
    options="-c listen_addresses=127.0.0.1 -c unix_socket_directories=$dir -p $port -c max_connections=50"
    if [ -e "$dir/data/server.key" ]; then options="$options -c ssl=on"; fi
    "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" -o "$options" start && echo started
}
{
    printf '%s' "$3" > "$dir/password"
    "$bin/initdb" --no-sync -D "$dir/data" -U postgres -E UTF8 --locale=C -A scram-sha-256 --pwfile="$dir/password" || exit 1
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
        -keyout "$dir/data/server.key" -out "$dir/data/server.crt" && chmod 600 "$dir/data/server.key" ||
        rm -f "$dir/data/server.key"
} > "$dir/made" 2>&1
if [ -e "$dir/data/server.key" ]; then sed 's/^/certificate /' "$dir/data/server.crt"; fi
start || { cat "$dir/log" "$dir/made"; rm -rf "$dir"; exit 1; }
while read -r order; do
    case $order in
        crash) "$bin/pg_ctl" -D "$dir/data" -m immediate stop && echo stopped ;;
        start) start ;;
    esac
done
end
"#;

/// One server.
pub struct Server {
    pub port: u16,
    /// Its certificate, which is its own root, if it could be made.
    pub certificate: Option<String>,
    guard: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Server {
    /// Starts one, unless PostgreSQL is not installed: then it says so, or fails where it is required.
    pub fn start() -> Option<Self> {
        let Some(bin) = binaries() else {
            assert!(
                std::env::var_os("PODFORM_REQUIRE_ENGINES").is_none(),
                "PostgreSQL is required and not installed"
            );
            eprintln!(
                "skipped: no `initdb` in PATH or /usr/lib/postgresql, so nothing is shown of PostgreSQL"
            );
            return None;
        };
        let port = free_port();
        let mut guard = guard(GUARD, &[bin.to_str().unwrap(), &port.to_string(), PASSWORD]);
        let mut server =
            Self { port, certificate: None, said: BufReader::new(guard.stdout.take().unwrap()), guard };
        let certificate = server.wait_for("started");
        server.certificate = (!certificate.is_empty()).then_some(certificate);
        Some(server)
    }

    /// Kills it as if the computer had lost power, except that what the system has is kept.
    pub fn crash(&mut self) {
        self.order("crash", "stopped");
    }

    pub fn start_again(&mut self) {
        self.order("start", "started");
    }

    fn order(&mut self, order: &str, answer: &str) {
        let input = self.guard.stdin.as_mut().unwrap();
        writeln!(input, "{order}").unwrap();
        self.wait_for(answer);
    }

    /// Returns the certificate if it is said on the way.
    fn wait_for(&mut self, answer: &str) -> String {
        let (mut certificate, mut said) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            assert_ne!(self.said.read_line(&mut line).unwrap(), 0, "no server: {said}");
            match line.strip_prefix("certificate ") {
                _ if line.trim() == answer => return certificate,
                Some(pem) => certificate.push_str(pem),
                None => said.push_str(&line),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// PgBouncer before a server, with a pool of two connections; it ends as [`GUARD`] does.
pub struct Pooler {
    pub port: u16,
    guard: Child,
}

const POOLER: &str = r#"
dir=$(mktemp -d) || exit 1
cat > "$dir/ini" <<END
[databases]
postgres = host=127.0.0.1 port=$2 user=postgres password=$3
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $1
auth_type = any
pool_mode = transaction
default_pool_size = 2
unix_socket_dir =
ignore_startup_parameters = extra_float_digits
logfile = $dir/log
END
PATH=$PATH:/usr/sbin pgbouncer -q "$dir/ini" > "$dir/said" 2>&1 &
pooler=$!
echo started
read -r _
kill $pooler
wait $pooler
rm -rf "$dir"
"#;

impl Pooler {
    /// Starts one before a server, or says why not.
    pub fn start(server: u16) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        if !folders.any(|folder| folder.join("pgbouncer").is_file()) {
            eprintln!("skipped: no `pgbouncer`, so nothing is shown of poolers");
            return None;
        }
        let port = free_port();
        let guard = guard(POOLER, &[&port.to_string(), &server.to_string(), PASSWORD]);
        let pooler = Self { port, guard };
        // It says nothing once it listens.
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(pooler)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Starts a script, which ends with its input. Neither PostgreSQL nor PgBouncer runs as root.
fn guard(script: &str, arguments: &[&str]) -> Child {
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    command
        .args(["-c", script, "guard"])
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Returns the server that all tests of this process share, but for those that break it.
pub fn shared() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(Server::start).as_ref()
}

/// Returns where PostgreSQL's programs are, the newest first.
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}

/// Returns the name of a schema that is not there yet.
pub fn fresh_schema() -> String {
    static SCHEMAS: AtomicU32 = AtomicU32::new(0);
    format!("fresh_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed))
}

/// Returns where the tests' states are, each in the schema of its test.
pub fn target(port: u16, schema: &str) -> Database {
    Database {
        host: "127.0.0.1".to_owned(),
        port,
        name: "postgres".to_owned(),
        user: None,
        schema: schema.to_owned(),
        tls: Tls::Off,
        lease: Duration::from_secs(60),
    }
}

pub fn credentials(user: &str) -> Credentials {
    Credentials {
        user: Some(Secret::new(user.to_owned())),
        password: Some(Secret::new(PASSWORD.to_owned())),
        trusts_server: false,
    }
}

/// Names a state of a project, whose lineage will be `line`.
pub fn state(target: Database, project: &str) -> PostgresState {
    let binding = kit::binding(&ProjectName::new(project), ProviderKind::Runpod, "https://api.runpod.io");
    PostgresState::new(target, None, credentials("postgres"), binding, Lineage::new("line"))
}

/// Speaks to a server as its owner.
pub async fn admin(port: u16) -> Client {
    let connect = format!("host=127.0.0.1 port={port} user=postgres dbname=postgres password={PASSWORD}");
    let (client, connection) = tokio_postgres::connect(&connect, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
