//! Client tokens on disk: what was asked for and not yet surely answered.
//!
//! A create that is sent twice with the same token creates one thing. So the token, with all that was asked for, is on
//! disk before the call, and goes away only with a definite answer. What is still there at the next start was either
//! lost on the way, or its reply was: it can be looked up, and is never created again unasked.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::command::Order;

/// Open creates that are read at most; more than a handful is somebody's mistake.
const MOST: usize = 1_000;

/// A create that was sent, or was about to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenCreate {
    /// The client token.
    pub token: String,
    /// The account, where it is known: another account's creates are none of ours.
    pub account: Option<String>,
    /// Made by a simulator.
    pub simulated: bool,
    /// What was asked for, in whole.
    pub order: Order,
    /// When, by our clock, milliseconds since 1970.
    pub at_ms: i64,
    /// When, by the service's clock, milliseconds since 1970.
    pub service_at_ms: i64,
}

/// The folder of open creates, `tokens` in the state folder.
#[derive(Clone, Debug)]
pub struct Tokens {
    folder: PathBuf,
}

impl Tokens {
    /// Those in the folder `state`. Made with the first.
    #[must_use]
    pub fn within(state: &Path) -> Tokens {
        Tokens { folder: state.join("tokens") }
    }

    /// A new token, which nobody can guess.
    #[must_use]
    pub fn new_token() -> String {
        format!("bt-{:032x}", rand::random::<u128>())
    }

    /// Puts `create` on disk. When this returns, it is there.
    ///
    /// # Errors
    /// The operating system's: then nothing may be sent.
    pub fn open(&self, create: &OpenCreate) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let whole = self.path(&create.token);
        let part = whole.with_extension("part");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        serde_json::to_writer(&mut file, create)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&part, &whole)?;
        File::open(&self.folder)?.sync_all()
    }

    /// The create with this token has a definite answer.
    ///
    /// # Errors
    /// The operating system's; one that is not there is closed.
    pub fn close(&self, token: &str) -> io::Result<()> {
        match fs::remove_file(self.path(token)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// All that are open, oldest first. Files that are none are left out.
    ///
    /// # Errors
    /// The operating system's; a folder that is not there is empty.
    pub fn all(&self) -> io::Result<Vec<OpenCreate>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries.take(MOST) {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json")
                && let Ok(text) = fs::read(&path)
                && let Ok(create) = serde_json::from_slice::<OpenCreate>(&text)
            {
                found.push(create);
            }
        }
        found.sort_by(|a, b| (a.at_ms, &a.token).cmp(&(b.at_ms, &b.token)));
        Ok(found)
    }

    fn path(&self, token: &str) -> PathBuf {
        self.folder.join(format!("{token}.json"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn create(token: &str, at_ms: i64) -> OpenCreate {
        let order = Order::Refresh;
        OpenCreate { token: token.into(), account: None, simulated: true, order, at_ms, service_at_ms: at_ms }
    }

    #[test]
    fn what_is_open_survives_until_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::within(folder.path());
        assert!(tokens.all().unwrap().is_empty());
        tokens.close("bt-0").unwrap();
        let (first, second) = (create("bt-1", 1), create("bt-2", 2));
        tokens.open(&second).unwrap();
        tokens.open(&first).unwrap();
        fs::write(folder.path().join("tokens/torn.json"), b"{\"token\":").unwrap();
        fs::write(folder.path().join("tokens/bt-9.part"), b"{}").unwrap();
        assert_eq!(tokens.all().unwrap(), [first.clone(), second]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path().join("tokens/bt-1.json")), 0o600);
        assert_eq!(mode(&folder.path().join("tokens")), 0o700);
        tokens.close("bt-2").unwrap();
        assert_eq!(tokens.all().unwrap(), [first]);
    }

    #[test]
    fn no_two_tokens_are_the_same() {
        assert_ne!(Tokens::new_token(), Tokens::new_token());
        assert_eq!(Tokens::new_token().len(), 35);
    }
}
