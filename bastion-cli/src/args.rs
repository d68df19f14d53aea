//! Arguments that several commands share, and the specs that they mean.

mod choice;
mod global;
mod object;
mod spelling;
mod take;

pub(crate) use choice::{DocumentFormat, EventFormat, ListFormat, ReportFormat};
pub(crate) use global::{ColorWhen, Global, LogFormat};
pub(crate) use object::{ObjectArgs, OneObject};
pub(crate) use spelling::flag;
pub(crate) use take::{ContentArgs, TakeArgs, TreeArgs, what_is_taken};
