//! Text that keeps within a terminal's width.

/// Room that text needs beside what hangs on its left; with less it begins on the left itself.
const ROOM: usize = 24;
/// How far later lines are set in where there is no such room.
const NARROW: usize = 4;

/// `head` and `text` in lines of at most `width` characters, each ended; later lines stand under the beginning of `text`.
/// What fits stays as it is; what does not is broken at blanks, and within a word only where a word is longer than a line.
#[must_use]
pub fn paragraph(head: &str, text: &str, width: usize) -> String {
    let width = width.max(NARROW + 1);
    if head.chars().count() + text.chars().count() <= width {
        return format!("{}\n", format!("{head}{text}").trim_end());
    }
    let hangs = head.chars().count() + ROOM <= width;
    let (mut line, indent, words) = if hangs {
        (head.to_owned(), head.chars().count(), text.to_owned())
    } else {
        let indent: String = head.chars().take_while(|c| *c == ' ').take(NARROW).collect();
        (indent, NARROW, format!("{head}{text}"))
    };
    let mut lines = Vec::new();
    let mut empty = true;
    for word in words.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        while !rest.is_empty() {
            let used = line.chars().count() + usize::from(!empty);
            if used + rest.len() <= width {
                line.extend((!empty).then_some(' '));
                line.extend(rest.drain(..));
                empty = false;
            } else if !empty {
                lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
                empty = true;
            } else {
                line.extend(rest.drain(..width - used));
                empty = false;
            }
        }
    }
    lines.push(line);
    lines.iter().fold(String::new(), |mut all, line| {
        all.push_str(line.trim_end());
        all.push('\n');
        all
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn later_lines_stand_under_the_first_word() {
        assert_eq!(paragraph("well  ", "all of it", 20), "well  all of it\n");
        let text = "a sentence that is longer than what is left of the line";
        assert_eq!(
            paragraph("well  ", text, 32),
            "well  a sentence that is longer\n      than what is left of the\n      line\n"
        );
        assert_eq!(paragraph("  a long head, ", "and its text", 20), "  a long head, and\n    its text\n");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_letter_is_lost(head in "[a-z ]{0,40}", text in "[a-zé ]{0,200}", width in 5usize..150) {
            let told = paragraph(&head, &text, width);
            prop_assert!(told.lines().all(|line| line.chars().count() <= width), "{told}");
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&told), letters(&format!("{head}{text}")));
        }
    }
}
