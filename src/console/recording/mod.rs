//! A session on file: every message of the console with its time, so that it can be looked at again.
//!
//! The console is a pure function of its messages, so these are all that has to be kept. A recording is JSON lines, the
//! header first, compressed as one gzip stream: `zcat` shows it. A snapshot is written as what is new in it.
//!
//! ```text
//! {"recording":1,"program":"0.1.0",...}              what the console started from
//! {"t":1203,"msg":"Snapshot","is":{"=":{...}}}       microseconds on the run's clock, name, change since the last of that name
//! {"t":101377,"msg":"Snapshot","is":{"o":{...}}}
//! {"t":180020,"msg":"Key","is":{...}}
//! ```
//!
//! What is in it: what the screens show (account, Regions, ARNs, record and request ids, errors in the service's words) and
//! the keys that were pressed. No prompt and no output, because no snapshot has them; of what was pasted only the length.

mod delta;
mod line;
mod reader;
mod recorder;

pub use line::{FORMAT, Header};
pub use reader::{Broken, Recording, RecordingError};
pub use recorder::Recorder;
