//! Every screen at its sizes, compared with the dumps in `tests/screens`. `BLESS=1 cargo test screens` writes them
//! anew; with `PICTURES=folder` each is also written there as SVG, to be looked at.

use std::path::Path;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::dump::{styled_dump, text_dump};
use super::glyphs::Glyphs;
use super::theme::Theme;
use super::widgets::Kit;
use super::{fixtures, render, svg};
use crate::console::app::{ModelPrice, Msg, State, update};
use crate::console::keys::{Chord, Key};
use crate::console::term::{ColourDepth, GlyphLevel};
use crate::engine::EngineSnapshot;
use crate::record::Micros;

fn open(snapshot: EngineSnapshot, size: (u16, u16)) -> State {
    let snapshot = Arc::new(snapshot);
    let themes: Vec<String> = Theme::names().map(str::to_owned).collect();
    let mut state = State::new(snapshot.clone(), size, themes, "dusk");
    let at = snapshot.at;
    update(&mut state, Msg::Snapshot(snapshot), at);
    state.prices = vec![ModelPrice {
        model: "anthropic.claude-3-haiku-20240307-v1:0".into(),
        input: Some(0.25),
        output: Some(1.25),
        default_max_output: 4_096,
    }];
    state
}

fn press(state: &mut State, keys: &str) {
    for key in keys.split_whitespace() {
        let key = match key {
            "Enter" => Key::Enter,
            "Esc" => Key::Esc,
            "Tab" => Key::Tab,
            "Down" => Key::Down,
            "Right" => Key::Right,
            _ => Key::Char(key.chars().next().unwrap()),
        };
        let now = state.now + Micros::from_millis(40);
        update(state, Msg::Key(Chord::plain(key)), now);
    }
    // What was said on the way is not what the picture is about.
    state.toast = None;
}

fn draw(state: &State, theme: &Theme, level: GlyphLevel) -> Buffer {
    let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width: state.size.0, height: state.size.1 });
    let area = buffer.area;
    render(state, Kit::new(theme, Glyphs::of(level)), area, &mut buffer);
    buffer
}

fn aws_idle() -> EngineSnapshot {
    let mut snapshot = fixtures::aws_read_only();
    snapshot.target.read_only = false;
    snapshot
}

/// Name, snapshot, keys pressed.
fn scenes() -> Vec<(&'static str, EngineSnapshot, &'static str)> {
    vec![
        ("dashboard-idle", fixtures::idle(), ""),
        ("dashboard-running", fixtures::running(), ""),
        ("dashboard-parked", fixtures::parked(), ""),
        ("dashboard-finished", fixtures::finished(), ""),
        ("dashboard-aws", fixtures::aws_read_only(), ""),
        ("dashboard-leaving", fixtures::running(), "q"),
        ("dashboard-expanded", fixtures::running(), "Tab e"),
        ("tuning", fixtures::running(), "2 Down Down"),
        ("tuning-typing", fixtures::running(), "2 Down Enter 1 0 0"),
        ("requests", fixtures::running(), "5 Down Down"),
        ("requests-failed", fixtures::running(), "5 x / w e s t"),
        ("request-detail", fixtures::running(), "5 x Enter"),
        ("log", fixtures::running(), "7"),
        ("scope", fixtures::running(), "Down Enter"),
        ("help", fixtures::running(), "?"),
        ("load-form", fixtures::idle(), "L"),
        ("load-consent", aws_idle(), "L Enter"),
        ("themes", fixtures::running(), "t"),
    ]
}

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

#[test]
fn screens_are_as_they_were_last_looked_at() {
    let theme = Theme::embedded("dusk", ColourDepth::TrueColour).unwrap().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens");
    let bless = std::env::var_os("BLESS").is_some();
    let pictures = std::env::var_os("PICTURES");
    let mut changed = Vec::new();
    for (name, snapshot, keys) in scenes() {
        for (width, height) in SIZES {
            let mut state = open(snapshot.clone(), (width, height));
            press(&mut state, keys);
            let buffer = draw(&state, &theme, GlyphLevel::Braille);
            let file = folder.join(format!("{name}-{width}x{height}.txt"));
            let dump = styled_dump(&buffer);
            if let Some(pictures) = &pictures {
                let picture = Path::new(pictures).join(format!("{name}-{width}x{height}.svg"));
                std::fs::write(picture, svg::svg(&buffer, &theme, name)).unwrap();
            }
            if bless {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&file, dump).unwrap();
            } else if std::fs::read_to_string(&file).unwrap_or_default() != dump {
                changed.push(format!("{}\n{}", file.display(), text_dump(&buffer)));
            }
        }
    }
    assert!(changed.is_empty(), "look at them, then BLESS=1:\n{}", changed.join("\n"));
}
