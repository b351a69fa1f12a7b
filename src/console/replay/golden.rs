//! A session that was recorded once: it stays playable, and its screens stay what they were last looked at. After a change of
//! the screens `BLESS=1 cargo test golden` writes them anew.

use std::path::Path;

use super::*;
use crate::console::ui::dump::{styled_dump, text_dump};

/// What is looked at, after the first snapshot: before the brownout, in it, its requests by a filter, and the end.
const MOMENTS: [(&str, u64); 4] = [("before", 9), ("brownout", 16), ("filtered", 31), ("end", 3_600)];

#[test]
fn a_session_of_long_ago_looks_as_it_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let theme = Theme::embedded("dusk", term::ColourDepth::TrueColour).unwrap().unwrap();
    let mut changed = Vec::new();
    let mut player = Player::new(Recording::open(&folder.join("brownout.rec")).unwrap(), true).unwrap();
    let first = player.position;
    for (moment, seconds) in MOMENTS {
        player.advance(first + Micros::from_secs(seconds), None);
        let area = ratatui::layout::Rect::new(0, 0, player.state.size.0, player.state.size.1);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        ui::render(&player.state, Kit::new(&theme, Glyphs::of(term::GlyphLevel::Braille)), area, &mut buffer);
        let (file, dump) = (folder.join(format!("brownout-{moment}.txt")), styled_dump(&buffer));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, dump).unwrap();
        } else if std::fs::read_to_string(&file).unwrap_or_default() != dump {
            changed.push(format!("{}\n{}", file.display(), text_dump(&buffer)));
        }
    }
    assert_eq!(player.upcoming(), None);
    assert!(changed.is_empty(), "look at them, then BLESS=1:\n{}", changed.join("\n"));
}
