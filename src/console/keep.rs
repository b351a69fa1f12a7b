//! The file in which the console keeps its [`Memory`] between two runs.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::app::memory::Memory;

/// More than this nobody has kept: it is not read at all.
const LARGEST: u64 = 64 * 1024;

/// Reads what was kept; of a file that cannot be used nothing, and a line that says so.
pub(super) fn read(path: &Path) -> (Memory, Option<String>) {
    match text(path).and_then(|text| Memory::read(&text)) {
        Ok(memory) => (memory, None),
        Err(why) if why.is_empty() => (Memory::default(), None),
        Err(why) => {
            let said = format!("{}: {why}; the console starts afresh and will replace it", path.display());
            (Memory::default(), Some(said))
        }
    }
}

/// The error is empty where there is no file.
fn text(path: &Path) -> Result<String, String> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(String::new()),
        Err(error) => return Err(error.to_string()),
    };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("it is no file".to_owned());
    }
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(|_| "it is damaged".to_owned())?;
    if text.len() as u64 > LARGEST {
        return Err("it is too large".to_owned());
    }
    Ok(text)
}

/// Writes it whole or not at all: of two consoles the last one wins, and no reader sees half a file.
pub(super) fn write(path: &Path, memory: &Memory) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(memory.text().as_bytes())?;
        fs::rename(&fresh, path)
    })();
    if written.is_err() {
        // What could not be finished is in nobody's way.
        let _ = fs::remove_file(&fresh);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_is_said_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/console.json");
        assert_eq!(read(&path), (Memory::default(), None), "no file is nothing to speak of");
        write(&path, &Memory::default()).unwrap();
        assert!(read(&path).1.unwrap().contains("form 0"));
        for (content, why) in
            [(b"{\"ver".to_vec(), "damaged"), (vec![0xff; 9], "damaged"), (vec![b' '; 70_000], "too large")]
        {
            fs::write(&path, content).unwrap();
            let (memory, said) = read(&path);
            assert_eq!(memory, Memory::default());
            assert!(said.unwrap().contains(why), "{why}");
        }
        let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let no_folder = folder.path().join("file");
        fs::write(&no_folder, "").unwrap();
        assert!(write(&no_folder.join("console.json"), &Memory::default()).is_err());
        let (memory, said) = read(&no_folder.join("console.json"));
        assert_eq!(memory, Memory::default());
        assert!(said.is_some());
        // A folder in its place.
        let (_, said) = read(folder.path());
        assert!(said.is_some());
        assert!(write(folder.path(), &Memory::default()).is_err());
    }
}
