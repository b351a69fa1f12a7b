//! The screens as pictures: what the terminal shows, cell by cell, through the product's own writer.
//!
//! With `BEDROCK_TOP_PICTURES=folder` the pictures of the README are made there from the demo, which takes about two minutes;
//! without it one screen is converted and looked at.

use std::path::Path;
use std::time::{Duration, Instant};

use bedrock_top::console::term::ColourDepth;
use bedrock_top::console::ui::svg::svg;
use bedrock_top::console::ui::theme::{self, Theme};
use libtest_mimic::{Failed, Trial};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::{Home, LARGE, SMALL, TIGHT, leave, row_with, trial};
use crate::pty::{Pty, check};

/// Names the folder of the pictures.
const PICTURES: &str = "BEDROCK_TOP_PICTURES";
/// Into the demo's brownout in us-west-2 (75 s to 100 s), so that the picture has something to tell.
const MOMENT: Duration = Duration::from_secs(97);

pub fn trials() -> Vec<Trial> {
    vec![trial("a_screen_becomes_a_picture", picture)]
}

fn picture() -> Result<(), Failed> {
    if let Some(folder) = std::env::var_os(PICTURES) {
        return readme(Path::new(&folder));
    }
    let home = Home::new()?.with("COLORTERM", "truecolor");
    let mut pty = home.console(TIGHT, SMALL)?;
    let buffer = cells(pty.screen());
    let drawn = svg(&buffer, &dusk()?, "bedrock-top");
    check(drawn.contains(">SIM</text>") && drawn.contains("RUNNING"), "the picture is not of the screen")?;
    let badge = (0..6).map(|x| &buffer[(x, 0)]).find(|cell| cell.symbol() == "S");
    check(badge.is_some_and(|cell| cell.bg != Color::Reset), "the badge has no colour of its own")?;
    leave(&mut pty).map(|_| ())
}

/// The pictures of the README, and for whoever looks after the screens all others at both sizes: a session is recorded,
/// and drawn as it was at its end.
fn readme(folder: &Path) -> Result<(), Failed> {
    std::fs::create_dir_all(folder)?;
    let home = Home::new()?.with("COLORTERM", "truecolor");
    let file = home.path("pictures.rec").display().to_string();
    let mut pty = home.program(&["--record", &file], LARGE);
    let begun = Instant::now();
    pty.wait_text("RUNNING")?;
    // Changes on the way, for the marks: a faster load, then a smaller share of the quota.
    until(&mut pty, begun, Duration::from_secs(30))?;
    pty.send("+");
    until(&mut pty, begun, Duration::from_secs(52))?;
    pty.send("2g\x1b[D");
    pty.wait("a smaller share", |screen| row_with(screen, "▸").contains("was 100 %"))?;
    pty.send("1");
    until(&mut pty, begun, MOMENT + Duration::from_secs(2))?;
    leave(&mut pty)?;
    let at = format!("{}s", MOMENT.as_secs());
    for (suffix, size) in [("", "120x40"), ("-80x24", "80x24")] {
        for screen in SCREENS {
            let picture = folder.join(format!("{screen}{suffix}.svg"));
            // The program replaces no file.
            let _ = std::fs::remove_file(&picture);
            let picture = picture.display().to_string();
            let args = ["replay", &file, "--at", &at, "--screenshot", &picture, "--screen", screen, "--size", size];
            let mut drawing = home.program(&args, SMALL);
            check(drawing.wait_exit()? == 0, drawing.text())?;
        }
    }
    Ok(())
}

/// What there are pictures of.
const SCREENS: [&str; 9] =
    ["dashboard", "tuning", "provisioned", "batch", "requests", "log", "scope", "request", "help"];

/// Reads on until the moment has come; the screen changes every second, so this sees it in time.
fn until(pty: &mut Pty, begun: Instant, moment: Duration) -> Result<(), Failed> {
    pty.wait_within(moment + Duration::from_secs(20), "the moment", |_| begun.elapsed() >= moment)
}

fn dusk() -> Result<Theme, Failed> {
    let theme = Theme::embedded(theme::DEFAULT, ColourDepth::TrueColour).ok_or("no default theme")?;
    theme.map_err(|error| format!("{error:?}").into())
}

/// What the terminal shows.
fn cells(screen: &vt100::Screen) -> Buffer {
    let (rows, columns) = screen.size();
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns.get(), rows.get()));
    for y in 0..rows.get() {
        for x in 0..columns.get() {
            let Some(seen) = screen.cell(y, x) else { continue };
            if seen.is_wide_continuation() {
                continue;
            }
            let cell = &mut buffer[(x, y)];
            if seen.has_contents() {
                cell.set_symbol(seen.contents());
            }
            cell.fg = colour(seen.fgcolor());
            cell.bg = colour(seen.bgcolor());
            for (on, modifier) in [
                (seen.bold(), Modifier::BOLD),
                (seen.dim(), Modifier::DIM),
                (seen.italic(), Modifier::ITALIC),
                (seen.underline(), Modifier::UNDERLINED),
                (seen.inverse(), Modifier::REVERSED),
            ] {
                cell.modifier.set(modifier, on);
            }
        }
    }
    buffer
}

fn colour(colour: vt100::Color) -> Color {
    match colour {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}
