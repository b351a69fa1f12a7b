//! The table of keys in README.md is the action table: this test writes it with `BLESS=1` and else holds it to that.

use std::fmt::Write;
use std::path::Path;

use super::doc::SECTIONS;
use super::{ACTIONS, Keymap};

const BEGIN: &str = "<!-- keys: `BLESS=1 cargo test --lib -- readme` writes from here -->\n";
const END: &str = "<!-- to here -->\n";

/// The table: keys, name, what it does.
fn table() -> String {
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

#[test]
fn the_readme_has_the_table_of_actions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the beginning of the table in README.md");
    let (written, after) = rest.split_once(END).expect("the end of the table in README.md");
    let table = table();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(written, table, "BLESS=1 cargo test --lib -- readme");
}
