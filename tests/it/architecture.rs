//! The map of the rooms in `src/lib.rs` holds: no file uses a room that its own may not know.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

pub fn trials() -> Vec<Trial> {
    vec![Trial::test("architecture::every_arrow_is_on_the_map", || {
        let strangers = strangers();
        if strangers.is_empty() { Ok(()) } else { Err(Failed::from(strangers.join("\n"))) }
    })]
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Room -> rooms that it may use, as `src/lib.rs` says: lines of `//!  room ──► other, another` in its text block.
fn map() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(sources().join("lib.rs")).unwrap();
    let block = text.split("```text").nth(1).unwrap().split("```").next().unwrap();
    let mut map: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in block.lines().filter_map(|line| line.trim_start_matches("//!").split_once("──►")) {
        let words = |text: &str| -> Vec<String> {
            text.split('(')
                .next()
                .unwrap()
                .split([',', ' '])
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        for room in words(line.0) {
            map.entry(room).or_default().extend(words(line.1));
        }
    }
    map
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every use of a room by one that may not know it. Tests beside the code may use what they need.
fn strangers() -> Vec<String> {
    let map = map();
    let mut all = Vec::new();
    files(&sources(), &mut all);
    assert!(all.len() > 100, "the sources are not where they were");
    let mut strangers = Vec::new();
    for path in all {
        let inside = path.strip_prefix(sources()).unwrap().to_owned();
        let room = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let Some(allowed) = map.get(&room) else {
            assert!(["lib.rs", "main.rs"].contains(&room.as_str()), "the map does not know the room of {inside:?}");
            continue;
        };
        if allowed.contains("everything") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                if used != room && map.contains_key(&used) && !allowed.contains(&used) {
                    strangers.push(format!(
                        "src/{}:{}: {room} ──► {used} is not on the map",
                        inside.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    strangers
}
