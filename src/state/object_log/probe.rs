//! Whether a store keeps what this is built on, asked before anything is built on it.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::ObjectLog;
use super::requests::{Lost, Object};
use crate::state::lease::Holder;
use crate::state::{StateError, whole};

impl ObjectLog {
    /// Writes one object twice, each time only if it is absent, and refuses a store that lets the second through.
    pub(super) async fn probe(&self, holder: &Holder) -> Result<(), StateError> {
        if let Some(folder) = &self.0.folder {
            whole::make_private_folder(folder).map_err(|error| self.failed("write", error.to_string()))?;
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
        let requests = &self.0.requests;
        match requests.create(object, &Bytes::from_static(b"1")).await {
            // One that was left, or a lost answer: the second try tells all the same.
            Ok(()) | Err(Lost::Exists(_)) => {}
            Err(lost) => return Err(self.failed("write", lost.why())),
        }
        match requests.create(object, &Bytes::from_static(b"2")).await {
            Err(Lost::Exists(_)) => Ok(()),
            Ok(()) => Err(self.failed(
                "use",
                format!(
                    "{} writes an object that is there although it was to be created only if absent (`If-None-Match: *`), \
                     so two runs could write at once; use another store",
                    requests.store
                ),
            )),
            Err(lost) => Err(self.failed("write", lost.why())),
        }
    }
}
