//! What commands print, as stable structs: the JSON that scripts read, and the text that people read.

pub(crate) mod backup;
pub(crate) mod events;
pub(crate) mod restore;
pub(crate) mod saved;
pub(crate) mod status;
pub(crate) mod verify;
