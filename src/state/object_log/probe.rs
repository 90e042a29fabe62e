//! Whether a store keeps what this is built on, asked before anything is built on it.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::ObjectLog;
use super::requests::{Lost, Object, Requests};
use super::write::Created;
use crate::state::lease::Holder;
use crate::state::{StateError, whole};

/// How often it is asked whether the second write is let through.
const TRIES: usize = 5;

impl ObjectLog {
    /// Writes one object twice, each time only if it is absent, and refuses a store that lets the second through.
    pub(super) async fn probe(&self, holder: &Holder) -> Result<(), StateError> {
        if let Some(folder) = &self.0.requests.folder {
            let failed = |error| self.failed("write", format!("`{}`: {error}", folder.display()));
            whole::make_private_folder(folder).map_err(failed)?;
        }
        let random = Sha256::digest(&holder.id);
        let name = random.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let object = Object::Probe(name);
        let result = self.probe_at(&object).await;
        // What is left of it disturbs nobody.
        let _ = self.0.requests.delete(&object).await;
        result
    }

    async fn probe_at(&self, object: &Object) -> Result<(), StateError> {
        match self.create(object, &Bytes::from_static(b"1")).await {
            Created::Done | Created::Taken => {}
            Created::Refused(why) | Created::Unknown(why) => return Err(self.failed("write", why)),
        }
        let mut why = String::new();
        for _ in 0..TRIES {
            match self.0.requests.create(object, &Bytes::from_static(b"2")).await {
                Err(Lost::Exists(_)) => return Ok(()),
                Ok(()) => return Err(self.failed("use", ignores_conditions(&self.0.requests))),
                Err(lost) => why = lost.why(),
            }
        }
        Err(self.failed("write", why))
    }
}

fn ignores_conditions(requests: &Requests) -> String {
    format!(
        "{} writes an object that is there although it was to be created only if absent (`If-None-Match: *`), \
         so two runs could write at once; use another store",
        requests.store
    )
}
