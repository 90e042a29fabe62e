//! The vocabulary that every other module speaks.
//!
//! Only data and the invariants of single values live here: no decisions about pods, no files, no clock, no wire
//! formats. What is sent has types of its own at the borders, and what is stored has its words in [`stored`], so renaming
//! a member here never changes a file. Start at [`desired`], [`prior`] and [`live`], the three inputs of the planner,
//! then [`plan`], its output, and [`journal`], what happens to it.
//!
//! To add a setting of a pod: a row in [`settings`], which says what comes of it. To add a member elsewhere: its word in
//! the list of its type in [`stored`], without which it does not compile; the digest takes it in by itself.

pub mod address;
pub mod attribute;
pub mod catalog;
pub mod clock;
pub mod commit;
pub mod desired;
pub mod id;
pub mod job;
pub mod journal;
pub mod live;
pub mod location;
pub mod marker;
pub mod money;
pub mod outcome;
pub mod plan;
pub mod pod;
pub mod prior;
pub mod progress;
pub mod provenance;
pub mod ready;
pub mod reference;
pub mod registry;
pub mod renaming;
pub mod request;
pub mod retry;
pub mod seconds;
pub mod secret;
pub mod sensitive;
pub mod settings;
pub mod size;
pub(crate) mod stored;
pub mod template;
pub mod text;
pub mod told;
pub mod value;
pub mod volume;
