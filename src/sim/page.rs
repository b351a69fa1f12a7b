//! Paging through lists.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// One page of a list and how to get the next.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// The token is not one of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadToken;

/// The page of `items` that starts where `token` says, with at most `size` items.
pub(super) fn page<T>(
    items: impl IntoIterator<Item = T>,
    token: Option<&str>,
    size: usize,
) -> Result<Page<T>, BadToken> {
    let from = token.map_or(Ok(0), offset)?;
    let mut rest = items.into_iter().skip(from);
    let items: Vec<T> = rest.by_ref().take(size).collect();
    let next = rest.next().map(|_| URL_SAFE_NO_PAD.encode(format!("{PREFIX}{}", from + items.len())));
    Ok(Page { items, next })
}

const PREFIX: &str = "from:";

fn offset(token: &str) -> Result<usize, BadToken> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| BadToken)?;
    text.strip_prefix(PREFIX).and_then(|offset| offset.parse().ok()).ok_or(BadToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_put_together_are_the_list() {
        let mut all = Vec::new();
        let mut token = None;
        loop {
            let page = page(0..25, token.as_deref(), 10).unwrap();
            assert!(page.items.len() <= 10);
            all.extend(page.items);
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(all, (0..25).collect::<Vec<_>>());
    }

    #[test]
    fn a_full_last_page_has_no_next_and_a_foreign_token_is_refused() {
        assert_eq!(page(0..10, None, 10).unwrap().next, None);
        assert_eq!(page(0..10, Some("???"), 10), Err(BadToken));
        assert_eq!(page(0..10, Some("Zm9v"), 10), Err(BadToken));
    }
}
