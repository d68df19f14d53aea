//! Which kinds a cluster serves, and which of them a selection follows.

mod answer;
pub(crate) mod crds;
pub(crate) mod plan;
mod resource;
mod served;

pub(crate) use resource::Resource;
pub(crate) use served::Served;
