//! What a person describes: one plain type for each thing, whatever it is written in.
//!
//! Flags, environment variables, a configuration file and custom resources are spellings of the same specs. Each is
//! turned into a spec by a function that does no I/O, and the spec alone is validated. A [`SpecError`] names the key
//! as the person wrote it: `validate_as` takes a function from the keys of the spec to those of the program.
//!
//! ```
//! use bastion_sdk::spec::{BackupSpec, RuleSpec};
//!
//! let spec = BackupSpec::all().rule(RuleSpec::new("Deployment.apps").drop_path("spec.replicas["));
//! assert!(spec.validate().unwrap_err().to_string().starts_with("rules[0].drop: "));
//! let flags = |key: &str| if key == "rules[0].drop" { "--drop".to_owned() } else { key.to_owned() };
//! assert!(spec.validate_as(&flags).unwrap_err().to_string().starts_with("--drop: "));
//! ```
//!
//! All of them serialize in camel case and refuse keys that they do not know.

mod backup;
mod cluster;
mod engine;
mod error;
mod objects;
mod repository;
mod restore;
mod rule;

pub use backup::BackupSpec;
pub use bastion_core::select::{KindWord, LabelSelector, Mode, Selection};
pub use cluster::{ClusterSpec, Impersonation};
pub use engine::{BrakeSpec, EngineSpec, WorkersSpec};
pub use error::{SpecError, Spelling};
pub use objects::{ObjectWord, ObjectWordError, ObjectsSpec};
pub use repository::RepositorySpec;
pub use restore::{ConflictSpec, RestoreSpec};
pub use rule::RuleSpec;

#[cfg(test)]
mod tests;
