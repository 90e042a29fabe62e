//! The state in object storage, as a log of objects that are created only if absent.
