//! Line, block and braille characters as shapes in a cell: path data for the picture of a screen.

use std::fmt::Write;

/// Size of a cell in the picture.
pub const CELL_WIDTH: u32 = 9;
/// Height of a cell.
pub const CELL_HEIGHT: u32 = 20;

const LIGHT: f32 = 1.2;
const HEAVY: f32 = 3.4;
const W: f32 = CELL_WIDTH as f32;
const H: f32 = CELL_HEIGHT as f32;

/// True if [`shape`] draws this character.
#[must_use]
pub fn has_shape(c: char) -> bool {
    let mut path = String::new();
    shape(&mut path, c, 0, 0);
    !path.is_empty()
}

/// Adds the character's shape, its cell at `left`, `top`, to path data; nothing if it is a letter.
pub fn shape(path: &mut String, c: char, left: u32, top: u32) {
    let mut pen = Pen { path, x: left as f32, y: top as f32 };
    match c {
        '\u{2801}'..='\u{28ff}' => pen.braille(c as u32 - 0x2800),
        '▁'..='█' => {
            let eighths = (c as u32 - '▁' as u32 + 1) as f32;
            pen.rect(0.0, H * (1.0 - eighths / 8.0), W, H * eighths / 8.0);
        }
        '▀' => pen.rect(0.0, 0.0, W, H / 2.0),
        '▌' => pen.rect(0.0, 0.0, W / 2.0, H),
        '▐' => pen.rect(W / 2.0, 0.0, W / 2.0, H),
        '░' => pen.shade(4),
        '▒' => pen.shade(2),
        _ => pen.lines(c),
    }
}

/// Arms of a line character from the middle: left, right, up, down; 0 none, 1 light, 2 heavy.
fn arms(c: char) -> Option<[u8; 4]> {
    Some(match c {
        '─' => [1, 1, 0, 0],
        '━' => [2, 2, 0, 0],
        '│' => [0, 0, 1, 1],
        '┃' => [0, 0, 2, 2],
        '┌' => [0, 1, 0, 1],
        '┐' => [1, 0, 0, 1],
        '└' => [0, 1, 1, 0],
        '┘' => [1, 0, 1, 0],
        '├' => [0, 1, 1, 1],
        '┤' => [1, 0, 1, 1],
        '┬' => [1, 1, 0, 1],
        '┴' => [1, 1, 1, 0],
        '┼' => [1, 1, 1, 1],
        '╸' => [2, 0, 0, 0],
        '╺' => [0, 2, 0, 0],
        _ => return None,
    })
}

struct Pen<'a> {
    path: &'a mut String,
    x: f32,
    y: f32,
}

impl Pen<'_> {
    fn rect(&mut self, x: f32, y: f32, w: f32, h: f32) {
        let _ = write!(self.path, "M{} {}h{}v{}h{}z", n(self.x + x), n(self.y + y), n(w), n(h), n(-w));
    }

    fn braille(&mut self, mask: u32) {
        const BITS: [(u32, f32, f32); 8] = [
            (0x01, 0.0, 0.0),
            (0x02, 0.0, 1.0),
            (0x04, 0.0, 2.0),
            (0x08, 1.0, 0.0),
            (0x10, 1.0, 1.0),
            (0x20, 1.0, 2.0),
            (0x40, 0.0, 3.0),
            (0x80, 1.0, 3.0),
        ];
        const RADIUS: f32 = 1.55;
        for (_, column, row) in BITS.into_iter().filter(|(bit, _, _)| mask & bit != 0) {
            let (cx, cy) = (self.x + W * (0.25 + 0.5 * column), self.y + H * (0.125 + 0.25 * row));
            // Two arcs make a disc.
            let d = n(2.0 * RADIUS);
            let _ = write!(
                self.path,
                "M{} {}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z",
                n(cx - RADIUS),
                n(cy),
                r = RADIUS
            );
        }
    }

    /// Every `step`-th square of a fine grid.
    fn shade(&mut self, step: usize) {
        for row in 0..CELL_HEIGHT as usize / 2 {
            for column in 0..4 {
                if (row + column * (step / 2 + step % 2)).is_multiple_of(step) {
                    self.rect(column as f32 * W / 4.0, row as f32 * 2.0, W / 4.0, 2.0);
                }
            }
        }
    }

    fn lines(&mut self, c: char) {
        let (mx, my) = (W / 2.0, H / 2.0);
        if let Some([left, right, up, down]) = arms(c) {
            let thick = |arm: u8| if arm == 2 { HEAVY } else { LIGHT };
            if left > 0 {
                let t = thick(left);
                // Past the middle, so that the arms close the corner.
                self.rect(0.0, my - t / 2.0, mx + if c == '╸' { 0.0 } else { LIGHT / 2.0 }, t);
            }
            if right > 0 {
                let t = thick(right);
                self.rect(mx - LIGHT / 2.0, my - t / 2.0, W - mx + LIGHT / 2.0, t);
            }
            if up > 0 {
                let t = thick(up);
                self.rect(mx - t / 2.0, 0.0, t, my + LIGHT / 2.0);
            }
            if down > 0 {
                let t = thick(down);
                self.rect(mx - t / 2.0, my - LIGHT / 2.0, t, H - my + LIGHT / 2.0);
            }
            return;
        }
        match c {
            '╭' => self.corner(1.0, 1.0),
            '╮' => self.corner(-1.0, 1.0),
            '╰' => self.corner(1.0, -1.0),
            '╯' => self.corner(-1.0, -1.0),
            '╍' => {
                [0.0, W / 2.0].into_iter().for_each(|x| self.rect(x + 0.6, my - HEAVY / 2.0, W / 2.0 - 1.6, HEAVY))
            }
            '╌' => {
                [0.0, W / 2.0].into_iter().for_each(|x| self.rect(x + 0.6, my - LIGHT / 2.0, W / 2.0 - 1.6, LIGHT))
            }
            '┊' => (0..4).for_each(|i| self.rect(mx - LIGHT / 2.0, H / 4.0 * i as f32 + 1.2, LIGHT, H / 4.0 - 2.4)),
            '·' => self.rect(mx - 0.8, my - 0.8, 1.6, 1.6),
            _ => {}
        }
    }

    /// A quarter of an ellipse between the middle of one side and the middle of the next: `dx`, `dy` say where to.
    fn corner(&mut self, dx: f32, dy: f32) {
        let (mx, my) = (self.x + W / 2.0, self.y + H / 2.0);
        let half = LIGHT / 2.0;
        let (ex, ey) = (mx + dx * W / 2.0, my + dy * H / 2.0);
        let r = W / 2.0;
        // Outer edge there, inner edge back.
        let (out_, in_) = (r + half, r - half);
        let _ = write!(
            self.path,
            "M{} {}V{}Q{} {} {} {}V{}Q{} {} {} {}V{}z",
            n(mx - dx * half),
            n(ey),
            n(my + dy * out_),
            n(mx - dx * half),
            n(my - dy * half),
            n(ex),
            n(my - dy * half),
            n(my + dy * half),
            n(mx + dx * half),
            n(my + dy * half),
            n(mx + dx * half),
            n(my + dy * in_.max(r)),
            n(ey),
        );
    }
}

/// A coordinate, as short as it may be.
fn n(value: f32) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
