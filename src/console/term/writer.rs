//! Frames to bytes: one frame, one buffer, one write(2); nothing changed, nothing written.
//!
//! Why not ratatui's crossterm backend: it ends every frame, changed or not, with resets and a cursor command; it
//! knows no synchronized output; its colours cost `38;5;n` where `3n` would do; and under `NO_COLOR` crossterm 0.29
//! writes a full reset for each colour change, which takes bold and reverse with it.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

const SYNC_BEGIN: &[u8] = b"\x1b[?2026h";
const SYNC_END: &[u8] = b"\x1b[?2026l";

/// What went to the terminal so far. Shared; read by anybody.
#[derive(Debug, Default)]
pub struct FrameStats {
    /// Frames that changed something.
    pub frames: AtomicU64,
    /// Calls of write(2) for them: the same number unless the terminal took a frame in pieces.
    pub writes: AtomicU64,
    /// Bytes.
    pub bytes: AtomicU64,
}

/// Colours and attributes of the terminal's pen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Pen {
    const RESET: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };
}

/// A ratatui backend that collects a frame in memory and writes it at [`Backend::flush`].
#[derive(Debug)]
pub struct FrameWriter<W: Write> {
    out: W,
    size: Size,
    sync: bool,
    body: Vec<u8>,
    frame: Vec<u8>,
    pen: Pen,
    /// Where the terminal's cursor is, if that is certain.
    at: Option<Position>,
    cursor_shown: bool,
    stats: Arc<FrameStats>,
}

impl<W: Write> FrameWriter<W> {
    /// Writes frames of `size` cells to `out`; `sync`: the terminal understands DEC mode 2026. The cursor is taken
    /// as hidden and the pen as reset, as the guard leaves them.
    pub fn new(out: W, size: Size, sync: bool) -> FrameWriter<W> {
        FrameWriter {
            out,
            size,
            sync,
            body: Vec::with_capacity(16 * 1024),
            frame: Vec::with_capacity(16 * 1024),
            pen: Pen::RESET,
            at: None,
            cursor_shown: false,
            stats: Arc::default(),
        }
    }

    /// The terminal's size has changed; the next draw repaints everything.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// The terminal was given away and taken again: nothing is known of its pen and cursor any more.
    pub fn forget(&mut self) {
        self.body.clear();
        self.pen = Pen::RESET;
        self.at = None;
        self.cursor_shown = false;
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Arc<FrameStats> {
        Arc::clone(&self.stats)
    }

    /// Where the bytes go.
    pub fn out(&self) -> &W {
        &self.out
    }

    fn move_to(&mut self, to: Position) {
        match self.at {
            Some(at) if at == to => {}
            Some(at) if at.y == to.y && to.x > at.x => {
                let step = to.x - at.x;
                self.body.extend_from_slice(b"\x1b[");
                if step > 1 {
                    push_number(&mut self.body, step);
                }
                self.body.push(b'C');
            }
            // Column 0 of a line below: shorter than an absolute move, and it does not scroll (never past the end).
            Some(at) if to.x == 0 && to.y > at.y && to.y - at.y <= 3 && to.y < self.size.height => {
                self.body.push(b'\r');
                self.body.extend(std::iter::repeat_n(b'\n', usize::from(to.y - at.y)));
            }
            _ => {
                self.body.extend_from_slice(b"\x1b[");
                if to.y > 0 {
                    push_number(&mut self.body, to.y + 1);
                }
                if to.x > 0 {
                    self.body.push(b';');
                    push_number(&mut self.body, to.x + 1);
                }
                self.body.push(b'H');
            }
        }
        self.at = Some(to);
    }

    fn set_pen(&mut self, to: Pen) {
        if to == self.pen {
            return;
        }
        let body = &mut self.body;
        body.extend_from_slice(b"\x1b[");
        let start = body.len();
        let mut from = self.pen;
        // Attributes are switched off one by one in many different ways; a reset is the same length or shorter.
        if !to.modifier.contains(from.modifier) || to == Pen::RESET {
            from = Pen::RESET;
            if to != Pen::RESET {
                body.extend_from_slice(b"0;");
            }
        }
        for (flag, code) in ATTRIBUTES {
            if (to.modifier - from.modifier).contains(flag) {
                body.push(code);
                body.push(b';');
            }
        }
        if to.fg != from.fg {
            push_colour(body, to.fg, 30);
        }
        if to.bg != from.bg {
            push_colour(body, to.bg, 40);
        }
        if body.len() > start {
            body.pop();
        }
        body.push(b'm');
        self.pen = to;
    }

    fn put(&mut self, at: Position, cell: &Cell) {
        self.move_to(at);
        self.set_pen(Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier });
        let symbol = cell.symbol();
        self.body.extend_from_slice(symbol.as_bytes());
        let width = if symbol.len() == 1 { 1 } else { symbol.width() };
        let next = at.x.saturating_add(u16::try_from(width).unwrap_or(u16::MAX));
        // Past the last column terminals disagree where the cursor is, and they disagree how wide some symbols are.
        self.at = (width == 1 && next < self.size.width).then_some(Position { x: next, y: at.y });
    }
}

/// SGR codes of the attributes.
const ATTRIBUTES: [(Modifier, u8); 7] = [
    (Modifier::BOLD, b'1'),
    (Modifier::DIM, b'2'),
    (Modifier::ITALIC, b'3'),
    (Modifier::UNDERLINED, b'4'),
    (Modifier::SLOW_BLINK, b'5'),
    (Modifier::REVERSED, b'7'),
    (Modifier::CROSSED_OUT, b'9'),
];

fn push_number(out: &mut Vec<u8>, n: impl Into<u32>) {
    let _ = write!(out, "{}", n.into());
}

/// An SGR colour parameter with its trailing semicolon; `base` is 30 for the foreground, 40 for the background.
fn push_colour(out: &mut Vec<u8>, colour: Color, base: u8) {
    let ansi = |n: u8| base + n;
    let bright = |n: u8| base + 60 + n;
    let code = match colour {
        Color::Reset => base + 9,
        Color::Black => ansi(0),
        Color::Red => ansi(1),
        Color::Green => ansi(2),
        Color::Yellow => ansi(3),
        Color::Blue => ansi(4),
        Color::Magenta => ansi(5),
        Color::Cyan => ansi(6),
        Color::Gray => ansi(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(n) => {
            let _ = write!(out, "{};5;{n};", base + 8);
            return;
        }
        Color::Rgb(r, g, b) => {
            let _ = write!(out, "{};2;{r};{g};{b};", base + 8);
            return;
        }
    };
    push_number(out, code);
    out.push(b';');
}

impl<W: Write> Backend for FrameWriter<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        for (x, y, cell) in content {
            // A cell outside (the terminal shrank since the frame was laid out) would wrap or scroll.
            if x < self.size.width && y < self.size.height {
                self.put(Position { x, y }, cell);
            }
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown {
            self.cursor_shown = false;
            self.body.extend_from_slice(b"\x1b[?25l");
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if !self.cursor_shown {
            self.cursor_shown = true;
            self.body.extend_from_slice(b"\x1b[?25h");
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.at.unwrap_or(Position::ORIGIN))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.move_to(position.into());
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        // Erasing paints with the pen's background.
        self.set_pen(Pen::RESET);
        self.body.extend_from_slice(match region {
            ClearType::All => b"\x1b[2J",
            ClearType::AfterCursor => b"\x1b[J",
            ClearType::BeforeCursor => b"\x1b[1J",
            ClearType::CurrentLine => b"\x1b[2K",
            ClearType::UntilNewLine => b"\x1b[K",
        });
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    /// Ends the frame: writes it, if it has any bytes.
    fn flush(&mut self) -> io::Result<()> {
        if self.body.is_empty() {
            return Ok(());
        }
        // The pen is put down between frames: whatever else prints to this terminal prints plain.
        self.set_pen(Pen::RESET);
        self.frame.clear();
        if self.sync {
            self.frame.extend_from_slice(SYNC_BEGIN);
        }
        self.frame.append(&mut self.body);
        if self.sync {
            self.frame.extend_from_slice(SYNC_END);
        }
        self.stats.frames.fetch_add(1, Ordering::Relaxed);
        let mut rest = self.frame.as_slice();
        while !rest.is_empty() {
            match self.out.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.stats.writes.fetch_add(1, Ordering::Relaxed);
                    self.stats.bytes.fetch_add(n as u64, Ordering::Relaxed);
                    rest = &rest[n..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
