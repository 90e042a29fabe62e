//! The settings of a pod, a row each: what a create gives, an update changes and every API shows.
//!
//! To add one, add its row, and its place on each wire: `settings.rs` of `rest_v2`, `rest_v1` and `graphql`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Defines the settings and what a change of them is.
macro_rules! settings {
    (
        in_place { $( $(#[$kept_doc:meta])* $kept:ident: $kept_type:ty; )+ }
        by_reset { $( $(#[$doc:meta])* $name:ident: $type:ty; )+ }
    ) => {
        /// The settings of a pod.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Settings {
            $( $(#[$kept_doc])* pub $kept: $kept_type, )+
            $( $(#[$doc])* pub $name: $type, )+
        }

        /// Settings as far as a request gives them; `None` leaves one as it is.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct SettingsChange {
            $( $(#[$kept_doc])* pub $kept: Option<$kept_type>, )+
            $( $(#[$doc])* pub $name: Option<$type>, )+
        }

        impl Settings {
            /// Returns these settings after a change.
            pub fn with(mut self, change: SettingsChange) -> Settings {
                $( if let Some(value) = change.$kept { self.$kept = value; } )+
                $( if let Some(value) = change.$name { self.$name = value; } )+
                self
            }
        }

        impl SettingsChange {
            /// Returns whether the container is made anew. Presence decides, not difference: the API document says
            /// that using these fields resets the pod.
            pub fn resets(&self) -> bool {
                $( self.$name.is_some() )||+
            }
        }
    };
}

settings! {
    in_place {
        /// The name, which need not be unique.
        name: String;
        /// Whether stop and reset are refused; changed before anything else.
        locked: bool;
        /// Whether it is to be on the global network, from its next start.
        global_networking: bool;
    }
    by_reset {
        /// The container image.
        image: String;
        /// The command line handed to the image, as one string.
        args: String;
        /// What replaces the image's entrypoint, if not empty.
        entrypoint: Vec<String>;
        /// Whether the command came as a list, and is stored as one.
        listed: bool;
        /// Environment variables; those of a pod include what the platform added.
        env: BTreeMap<String, String>;
        /// Ports such as `8888/http`.
        ports: Vec<String>;
        /// Container disk in GB.
        disk: u32;
        /// The registry credential.
        registry: Option<String>;
    }
}
