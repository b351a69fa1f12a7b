//! The tables of keys and of warnings in README.md are the tables of the program: this test writes them with `BLESS=1` and
//! else holds README.md to them.

use std::fmt::Write;
use std::path::Path;

use crate::console::app::lists::level_name;
use crate::warnings::NAMES;

use super::doc::SECTIONS;
use super::{ACTIONS, Keymap};

const KEYS: &str = "<!-- keys: `BLESS=1 cargo test --lib -- readme` writes from here -->\n";
const WARNINGS: &str = "<!-- warnings: `BLESS=1 cargo test --lib -- readme` writes from here -->\n";
const END: &str = "<!-- to here -->\n";

/// The table of actions: keys, name, what it does.
fn keys() -> String {
    let keymap = Keymap::default();
    let mut out = String::from("| key | action | does |\n|---|---|---|\n");
    for (heading, of) in SECTIONS {
        let _ = writeln!(out, "| **{heading}** | | |");
        for row in ACTIONS.iter().filter(|row| of(row)) {
            let keys: Vec<String> = keymap.of(row.action).iter().map(|key| format!("`{key}`")).collect();
            let _ = writeln!(out, "| {} | `{}` | {} |", keys.join(" "), row.name, row.help);
        }
    }
    out
}

/// The table of warnings: name, level, when it appears.
fn warnings() -> String {
    let mut out = String::from("| warning | level | when |\n|---|---|---|\n");
    for named in &NAMES {
        let _ = writeln!(out, "| `{}` | {} | {} |", named.word, level_name(named.level), named.meaning);
    }
    out
}

#[test]
fn the_readme_has_the_tables_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    for (begin, table) in [(KEYS, keys()), (WARNINGS, warnings())] {
        let readme = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = readme.split_once(begin).expect("the beginning of the table in README.md");
        let (written, after) = rest.split_once(END).expect("the end of the table in README.md");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, format!("{before}{begin}{table}{END}{after}")).unwrap();
        } else {
            assert_eq!(written, table, "BLESS=1 cargo test --lib -- readme");
        }
    }
}
