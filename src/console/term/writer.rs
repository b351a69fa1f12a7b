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
    /// How much of the frame the terminal has taken.
    taken: usize,
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
            taken: 0,
            pen: Pen::RESET,
            at: None,
            cursor_shown: false,
            stats: Arc::default(),
        }
    }

    /// The terminal's size has changed; the next draw repaints everything.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
        // Terminals reflow and scroll on a resize, and the cursor goes along.
        self.at = None;
    }

    /// The terminal was given away and taken again: nothing is known of its pen and cursor any more.
    pub fn forget(&mut self) {
        self.body.clear();
        // What is left of a frame would land on another screen.
        self.frame.clear();
        self.taken = 0;
        self.pen = Pen::RESET;
        self.at = None;
        self.cursor_shown = false;
    }

    /// Adds something that is not drawn to what goes out next.
    pub fn add(&mut self, sequence: &[u8]) {
        self.body.extend_from_slice(sequence);
    }

    /// True while the terminal has not taken the whole last frame. Another one drawn now would only wait behind it.
    #[must_use]
    pub fn stuck(&self) -> bool {
        self.taken < self.frame.len()
    }

    /// Gives the terminal what it has not taken yet, as far as it takes it.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn push(&mut self) -> io::Result<()> {
        while self.stuck() {
            match self.out.write(&self.frame[self.taken..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.stats.writes.fetch_add(1, Ordering::Relaxed);
                    self.stats.bytes.fetch_add(n as u64, Ordering::Relaxed);
                    self.taken += n;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
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
        let symbol = cell.symbol();
        let mut pen = Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
        // A blank has no ink: the pen keeps the colour and the weight that it has.
        if symbol == " " && !self.pen.modifier.union(pen.modifier).intersects(DRAWN_ON_BLANKS) {
            pen = Pen { bg: cell.bg, ..self.pen };
        }
        self.set_pen(pen);
        self.body.extend_from_slice(symbol.as_bytes());
        let width = if symbol.len() == 1 { 1 } else { symbol.width() };
        let next = at.x.saturating_add(u16::try_from(width).unwrap_or(u16::MAX));
        // Past the last column terminals disagree where the cursor is, and they disagree how wide some symbols are.
        self.at = (width == 1 && next < self.size.width).then_some(Position { x: next, y: at.y });
    }
}

/// Attributes that are seen where there is no letter, in the colour of the foreground.
const DRAWN_ON_BLANKS: Modifier = Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT);

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

    /// Ends the frame: writes it, if it has any bytes. What the terminal does not take at once waits for [`FrameWriter::push`].
    fn flush(&mut self) -> io::Result<()> {
        if self.body.is_empty() {
            return Ok(());
        }
        // The pen is put down between frames: whatever else prints to this terminal prints plain.
        self.set_pen(Pen::RESET);
        self.frame.drain(..self.taken);
        self.taken = 0;
        if self.sync {
            self.frame.extend_from_slice(SYNC_BEGIN);
        }
        self.frame.append(&mut self.body);
        if self.sync {
            self.frame.extend_from_slice(SYNC_END);
        }
        self.stats.frames.fetch_add(1, Ordering::Relaxed);
        self.push()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use proptest::prelude::*;
    use ratatui::Terminal;
    use ratatui::buffer::Buffer;
    use ratatui::style::Style;

    use super::*;

    /// What was written, one entry a write.
    #[derive(Debug, Default)]
    struct Writes {
        each: Vec<Vec<u8>>,
        at_most: Option<usize>,
        fails: Option<io::ErrorKind>,
    }

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(kind) = self.fails {
                return Err(kind.into());
            }
            let n = bytes.len().min(self.at_most.unwrap_or(usize::MAX));
            self.each.push(bytes[..n].to_vec());
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn terminal(width: u16, height: u16) -> Terminal<FrameWriter<Writes>> {
        Terminal::new(FrameWriter::new(Writes::default(), Size { width, height }, true)).unwrap()
    }

    fn written(terminal: &Terminal<FrameWriter<Writes>>) -> Vec<u8> {
        terminal.backend().out().each.concat()
    }

    fn screen(width: u16, height: u16, bytes: &[u8]) -> vt100::Parser {
        let size = |cells| NonZeroU16::new(cells).unwrap();
        let mut parser = vt100::Parser::new(size(height), size(width), 0);
        parser.process(bytes);
        parser
    }

    #[test]
    fn a_frame_is_one_write_in_a_synchronized_update() {
        let mut terminal = terminal(20, 4);
        terminal.draw(|frame| frame.buffer_mut().set_string(3, 1, "hello", Style::new())).unwrap();
        let writes = &terminal.backend().out().each;
        assert_eq!(writes.len(), 1);
        assert_eq!(writes[0], b"\x1b[?2026h\x1b[2;4Hhello\x1b[?2026l");
    }

    #[test]
    fn an_unchanged_frame_is_no_write_and_no_byte() {
        let mut terminal = terminal(20, 4);
        for _ in 0..5 {
            terminal.draw(|frame| frame.buffer_mut().set_string(3, 1, "hello", Style::new())).unwrap();
        }
        assert_eq!(terminal.backend().out().each.len(), 1);
        let stats = terminal.backend().stats();
        assert_eq!(stats.frames.load(Ordering::Relaxed), 1);
        assert_eq!(stats.writes.load(Ordering::Relaxed), 1);
        assert_eq!(stats.bytes.load(Ordering::Relaxed), written(&terminal).len() as u64);
    }

    #[test]
    fn a_frame_taken_in_pieces_is_whole_and_counted() {
        let mut terminal = terminal(20, 4);
        terminal.draw(|_| {}).unwrap();
        let writer = FrameWriter::new(Writes { at_most: Some(7), ..Writes::default() }, Size::new(20, 4), false);
        let mut terminal = Terminal::new(writer).unwrap();
        terminal.draw(|frame| frame.buffer_mut().set_string(0, 0, "a-long-enough-line", Style::new())).unwrap();
        assert_eq!(written(&terminal), b"\x1b[Ha-long-enough-line");
        assert_eq!(terminal.backend().stats().writes.load(Ordering::Relaxed), 3);
        assert_eq!(terminal.backend().stats().frames.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_terminal_that_is_gone_is_an_error() {
        let out = Writes { fails: Some(io::ErrorKind::BrokenPipe), ..Writes::default() };
        let mut terminal = Terminal::new(FrameWriter::new(out, Size::new(9, 2), true)).unwrap();
        let error = terminal.draw(|frame| frame.buffer_mut().set_string(0, 0, "x", Style::new())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn colours_are_short_and_the_pen_is_put_down() {
        let mut terminal = terminal(20, 1);
        terminal
            .draw(|frame| {
                let buffer = frame.buffer_mut();
                buffer.set_string(0, 0, "r", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
                buffer.set_string(1, 0, "b", Style::new().fg(Color::LightBlue).add_modifier(Modifier::BOLD));
                buffer.set_string(2, 0, "p", Style::new());
                buffer.set_string(3, 0, "t", Style::new().bg(Color::Rgb(1, 2, 3)).fg(Color::Indexed(9)));
            })
            .unwrap();
        let text = String::from_utf8(written(&terminal)).unwrap();
        assert_eq!(text, "\x1b[?2026h\x1b[H\x1b[1;31mr\x1b[94mb\x1b[mp\x1b[38;5;9;48;2;1;2;3mt\x1b[m\x1b[?2026l");
    }

    #[test]
    fn without_colours_no_colour_is_sent_and_attributes_survive() {
        let mut terminal = terminal(20, 1);
        let selected = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
        terminal.draw(|frame| frame.buffer_mut().set_string(0, 0, "selected", selected)).unwrap();
        let text = String::from_utf8(written(&terminal)).unwrap();
        assert_eq!(text, "\x1b[?2026h\x1b[H\x1b[1;7mselected\x1b[m\x1b[?2026l");
    }

    #[test]
    fn the_cursor_costs_bytes_only_when_it_moves() {
        let mut terminal = terminal(20, 2);
        let mut draw = |at: Option<(u16, u16)>| {
            let before = terminal.backend().out().each.len();
            terminal.draw(|frame| at.into_iter().for_each(|at| frame.set_cursor_position(at))).unwrap();
            terminal.backend().out().each[before..].concat()
        };
        assert_eq!(draw(None), b"");
        assert_eq!(draw(Some((4, 1))), b"\x1b[?2026h\x1b[?25h\x1b[2;5H\x1b[?2026l");
        assert_eq!(draw(Some((4, 1))), b"");
        assert_eq!(draw(Some((5, 1))), b"\x1b[?2026h\x1b[C\x1b[?2026l");
        assert_eq!(draw(None), b"\x1b[?2026h\x1b[?25l\x1b[?2026l");
    }

    #[test]
    fn a_resize_repaints_in_the_same_write() {
        let mut terminal = terminal(20, 4);
        let mut draw = |width: u16| {
            terminal.backend_mut().resize(Size::new(width, 4));
            let before = terminal.backend().out().each.len();
            terminal.draw(|frame| frame.buffer_mut().set_string(0, 2, "hi", Style::new())).unwrap();
            terminal.backend().out().each[before..].to_vec()
        };
        draw(20);
        let writes = draw(10);
        assert_eq!(writes.len(), 1);
        let bytes = String::from_utf8(writes[0].clone()).unwrap();
        assert!(bytes.contains("\x1b[2J") && bytes.contains("hi"), "{bytes:?}");
    }

    fn any_style() -> impl Strategy<Value = Style> {
        let colour = prop_oneof![
            Just(Color::Reset),
            Just(Color::Red),
            Just(Color::Gray),
            Just(Color::LightCyan),
            any::<u8>().prop_map(Color::Indexed),
            any::<(u8, u8, u8)>().prop_map(|(r, g, b)| Color::Rgb(r, g, b)),
        ];
        let modifier = prop::sample::select(vec![
            Modifier::empty(),
            Modifier::BOLD,
            Modifier::REVERSED,
            Modifier::BOLD | Modifier::UNDERLINED,
            Modifier::ITALIC,
        ]);
        (colour.clone(), colour, modifier)
            .prop_map(|(fg, bg, modifier)| Style::new().fg(fg).bg(bg).add_modifier(modifier))
    }

    fn seen(colour: Color) -> vt100::Color {
        let named = [
            Color::Black,
            Color::Red,
            Color::Green,
            Color::Yellow,
            Color::Blue,
            Color::Magenta,
            Color::Cyan,
            Color::Gray,
            Color::DarkGray,
            Color::LightRed,
            Color::LightGreen,
            Color::LightYellow,
            Color::LightBlue,
            Color::LightMagenta,
            Color::LightCyan,
            Color::White,
        ];
        match colour {
            Color::Reset => vt100::Color::Default,
            Color::Indexed(n) => vt100::Color::Idx(n),
            Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
            other => vt100::Color::Idx(named.iter().position(|colour| *colour == other).unwrap() as u8),
        }
    }

    type Piece = (u16, u16, String, Style);

    /// Narrow text in any frame, wide text only in the first: what is left of a wide character when half of it is
    /// overwritten differs between terminals.
    fn pieces(text: &'static str) -> impl Strategy<Value = Vec<Piece>> {
        prop::collection::vec((0u16..24, 0u16..8, text, any_style()), 0..12)
    }

    proptest! {
        /// The terminal shows what was drawn, after any sequence of frames and sizes.
        #[test]
        fn the_screen_is_the_buffer(
            first in pieces("[ -~]{1,12}|[日本語é]{1,4}"),
            more in prop::collection::vec((pieces("[ -~]{1,12}|[─━⣿█é]{1,6}"), prop::option::of((1u16..30, 1u16..10))), 0..6),
        ) {
            // Every frame after a wide one is a full repaint.
            let more = more.into_iter().enumerate().map(|(i, (pieces, size))| (pieces, size.or((i == 0).then_some((23, 8)))));
            let frames = std::iter::once((first, None)).chain(more);
            let (mut width, mut height) = (24, 8);
            let mut terminal = terminal(width, height);
            let mut parser = screen(width, height, b"\x1b[?7l");
            let mut seen_writes = 0;
            for (pieces, resize) in frames {
                if let Some((w, h)) = resize {
                    (width, height) = (w, h);
                    terminal.backend_mut().resize(Size::new(w, h));
                    parser.set_size(NonZeroU16::new(h).unwrap(), NonZeroU16::new(w).unwrap());
                }
                let mut expected = Buffer::default();
                terminal.draw(|frame| {
                    let buffer = frame.buffer_mut();
                    for (x, y, text, style) in &pieces {
                        if *x < width && *y < height {
                            buffer.set_stringn(*x, *y, text, usize::from(width - x), *style);
                        }
                    }
                    expected = buffer.clone();
                }).unwrap();
                let writes = &terminal.backend().out().each;
                prop_assert!(writes.len() - seen_writes <= 1);
                writes[seen_writes..].iter().for_each(|bytes| parser.process(bytes));
                seen_writes = writes.len();
                for y in 0..height {
                    let mut x = 0;
                    while x < width {
                        let want = &expected[(x, y)];
                        let cell_width = want.symbol().width().max(1) as u16;
                        // A wide character half outside is the terminal's affair.
                        if x + cell_width <= width {
                            let got = parser.screen().cell(y, x).unwrap();
                            let symbol = if got.has_contents() { got.contents() } else { " " };
                            prop_assert_eq!(symbol, want.symbol(), "at {},{}", x, y);
                            let inked = symbol != " " || want.modifier.intersects(DRAWN_ON_BLANKS);
                            if inked {
                                prop_assert_eq!(got.fgcolor(), seen(want.fg), "fg at {},{}", x, y);
                                prop_assert_eq!(got.bold(), want.modifier.contains(Modifier::BOLD));
                            }
                            prop_assert_eq!(got.bgcolor(), seen(want.bg), "bg at {},{}", x, y);
                            prop_assert_eq!(got.inverse(), want.modifier.contains(Modifier::REVERSED));
                            prop_assert_eq!(got.underline(), want.modifier.contains(Modifier::UNDERLINED));
                        }
                        x += cell_width;
                    }
                }
            }
        }
    }
}
