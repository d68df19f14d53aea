//! The configuration: a YAML file, environment variables before it, defaults beneath. Unknown keys are errors.
//!
//! It is one spelling of the specs of `bastion_sdk`: what it means, and what is wrong with it, is said there.

mod environment;
mod error;
mod load;
mod schema;
mod specs;

pub(crate) use self::schema::Config;

#[cfg(test)]
mod tests;
