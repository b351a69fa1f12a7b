//! Text in columns.

/// Where a column's cells lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// `rows` under `heads`, two blanks between the columns, a line each. Cells beyond the heads are left out.
#[must_use]
pub fn table(heads: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = heads.iter().map(|(head, _)| (*head).to_owned()).collect();
    let all = || std::iter::once(&head).chain(rows);
    let width =
        |column: usize| all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut text = String::new();
    for row in all() {
        let cells = row.iter().zip(heads.iter().zip(&widths)).map(|(cell, ((_, align), width))| match align {
            Align::Left => format!("{cell:<width$}"),
            Align::Right => format!("{cell:>width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lie_left_and_numbers_right() {
        let rows = [vec!["a".to_owned(), "1,000".to_owned()], vec!["long".to_owned(), "7".to_owned()]];
        assert_eq!(
            table(&[("NAME", Align::Left), ("N", Align::Right)], &rows),
            "NAME      N\na     1,000\nlong      7\n"
        );
        assert_eq!(table(&[], &rows), "\n\n\n");
    }
}
