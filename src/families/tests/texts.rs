//! The raw guess, against counts of two public vocabularies (100,000 and 200,000 pieces) taken once by their own
//! tokenizers.

use crate::families::{TextKind, TokenWalk, raw_tokens};

const ENGLISH: &str = "The harbour was quiet when she came down the hill, and the boats lay so still that their masts \
                       seemed painted on the morning. An old man sat mending a net on the steps below the customs \
                       house. He did not look up as she passed, but she knew that he had seen her, as he had seen \
                       everyone who walked along the quay for the last forty years.";
const GERMAN: &str = "Im vergangenen Sommer haben wir beschlossen, die gesamte Dokumentenverarbeitung in die Cloud zu \
                      verlegen. Zunächst schien es zu genügen, die Zahl der Anfragen pro Minute zu erhöhen, doch bald \
                      stellte sich heraus, dass die Anzahl der Token die eigentliche Grenze bildet.";
const VIETNAMESE: &str = "Mùa hè năm ngoái chúng tôi quyết định chuyển toàn bộ việc xử lý tài liệu lên đám mây. Lúc \
                          đầu có vẻ như chỉ cần tăng số lượng yêu cầu mỗi phút.";
const RUSSIAN: &str = "Летом прошлого года мы решили перенести всю обработку документов в облако. Сначала казалось, \
                       что достаточно просто увеличить количество запросов в минуту.";
const ARABIC: &str =
    "قررنا في الصيف الماضي نقل معالجة الوثائق كلها إلى السحابة. بدا في البداية أن زيادة عدد الطلبات تكفي.";
const HEBREW: &str = "בקיץ שעבר החלטנו להעביר את כל עיבוד המסמכים לענן. כל חוזה ארוך צרך כמעט מחצית מהמכסה.";
const HINDI: &str = "पिछली गर्मियों में हमने दस्तावेज़ों का पूरा काम क्लाउड पर ले जाने का निर्णय लिया।";
const THAI: &str = "เมื่อฤดูร้อนปีที่แล้วเราตัดสินใจย้ายการประมวลผลเอกสารทั้งหมดไปยังระบบคลาวด์";
const CHINESE: &str = "去年夏天，我们决定把所有文件处理工作迁移到云端。起初似乎只要提高每分钟的请求数量就足够了。";
const JAPANESE: &str = "昨年の夏、私たちは文書処理のすべてをクラウドに移すことに決めました。";
const KOREAN: &str = "지난여름 우리는 모든 문서 처리 작업을 클라우드로 옮기기로 결정했습니다.";
const JSON: &str =
    r#"{"id":17,"user":{"name":"Ann Lee","email":"ann@example.com","active":true},"tags":["alpha","beta"]}"#;
const CODE: &str = "fn main() {\n    let total: u64 = items.iter().map(|item| item.price * item.count).sum();\n    \
                    println!(\"{total}\");\n    if total > LIMIT {\n        return Err(Error::TooMuch(total));\n    }\n}\n";
const HASH: &str = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";

/// Short samples scatter; a guess above the truth reserves a little too much, one below it gets throttled.
#[test]
fn kinds_are_told_and_guesses_lie_near_what_tokenizers_count() {
    // The text, its kind, and the smaller and the larger count of the two vocabularies.
    for (name, text, kind, low, high) in [
        ("English", ENGLISH, TextKind::Prose, 77, 78),
        ("German", GERMAN, TextKind::Accented, 56, 73),
        ("Vietnamese", VIETNAMESE, TextKind::Vietnamese, 40, 78),
        ("Russian", RUSSIAN, TextKind::Cyrillic, 32, 60),
        ("Arabic", ARABIC, TextKind::Arabic, 26, 69),
        ("Hebrew", HEBREW, TextKind::Hebrew, 34, 86),
        ("Hindi", HINDI, TextKind::Indic, 25, 78),
        ("Thai", THAI, TextKind::SouthEastAsian, 31, 68),
        ("Chinese", CHINESE, TextKind::Han, 33, 48),
        ("Japanese", JAPANESE, TextKind::Japanese, 29, 37),
        ("Korean", KOREAN, TextKind::Hangul, 21, 34),
        ("JSON", JSON, TextKind::Json, 28, 29),
        ("code", CODE, TextKind::Code, 49, 49),
        ("hash", HASH, TextKind::Dense, 43, 43),
    ] {
        let found = raw_tokens(text);
        assert_eq!(found.kind, kind, "{name}");
        let (low, high) = (low as f64 * 0.9, high as f64 * 1.25);
        assert!((low..=high).contains(&(found.tokens as f64)), "{name}: {} not in {low}..{high}", found.tokens);
    }
}

#[test]
fn a_long_text_costs_as_much_as_its_parts() {
    for text in [ENGLISH, CODE, JSON, HASH, RUSSIAN, GERMAN] {
        let one = raw_tokens(&format!("{text} ")).tokens as f64;
        // Repeated texts are walked in blocks of several lanes, which begin anywhere.
        let many = raw_tokens(&format!("{text} ").repeat(100)).tokens as f64;
        assert!((many / (one * 100.0) - 1.0).abs() < 0.05, "{many} against 100 x {one}: {text}");
        let mut walk = TokenWalk::default();
        (0..100).for_each(|_| walk.text(text));
        let parts = walk.finish();
        assert_eq!(parts.kind, raw_tokens(text).kind);
        assert!((parts.tokens as f64 / many - 1.0).abs() < 0.05, "{parts:?} against {many}");
    }
}

#[test]
fn nothing_costs_nothing() {
    assert_eq!(raw_tokens("").tokens, 0);
    assert_eq!(TextKind::ALL.map(TextKind::index), std::array::from_fn(|index| index as u8));
}
