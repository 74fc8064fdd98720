//! Sources around a source. Each has the abilities of what it wraps and adds one concern.

mod counted;
mod failing;
mod limited;

pub use counted::{Counted, Counts};
pub use failing::Failing;
pub use limited::Limited;
