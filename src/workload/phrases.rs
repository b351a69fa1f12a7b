//! The words of synthetic prompts: our own sentences, in scripts and shapes whose tokens differ in size.
//! A token of English is about four characters, one of Japanese little more than one, and code lies between.

/// A kind of text.
pub struct Voice {
    /// Its share among prompts, of 100.
    pub share: u32,
    /// What is asked about the text.
    pub tasks: &'static [&'static str],
    /// What the text is made of.
    pub phrases: &'static [&'static str],
    /// What stands between two phrases.
    pub join: &'static str,
}

/// All voices; their shares add up to 100.
pub const VOICES: [Voice; 7] = [
    Voice {
        share: 48,
        tasks: &[
            "Summarise these notes in three sentences.",
            "List the open questions in the following report.",
            "Which of these observations contradict each other?",
            "Rewrite the following for a reader who has two minutes.",
            "Extract every number with its unit from this text.",
        ],
        phrases: &[
            "The night shift found the pump running warm, although its log showed no change since Tuesday.",
            "Nobody had asked the harbour office whether the second crane would be free before noon.",
            "Rain came early that year, and the lower fields could not be sown until the end of April.",
            "Our supplier confirmed 1,240 units for week 37 and left the rest of the order open.",
            "She measured the beam twice, wrote down both values, and kept the larger one.",
            "A delay of four minutes at the first station grew to twenty by the time the train reached the coast.",
            "The committee wants one page, no charts, and a recommendation that can be read aloud.",
            "Two of the five sensors disagree by more than a tenth of a degree whenever the door is open.",
            "Customers who wrote twice in a week were answered by the same person in most cases.",
            "The old catalogue lists the map under a name that no longer exists.",
            "If the valve closes before the tank is full, the operator has to begin again from the third step.",
            "Their first prototype was heavy, loud and reliable; the second was none of these.",
            "In the margin somebody had pencilled a date, a price and the word tomorrow.",
            "The report separates what was seen from what was concluded, which made it longer and easier to trust.",
            "After the update, exports took half as long but failed for accounts with an apostrophe in their name.",
            "We agreed to keep the smaller office until spring and to decide about the warehouse in June.",
            "Every sample from the northern slope contained more clay than the model allows.",
            "He answered politely, attached the wrong file, and went home for the weekend.",
            "The bridge carries nine thousand vehicles a day, a third of them before eight in the morning.",
            "It is cheaper to heat the greenhouse at night than to replace the seedlings in March.",
            "A volunteer counted the swifts each evening and noticed that the colony had moved one street east.",
            "The contract ends in eleven months unless one of the parties writes before the first of August.",
            "Only the invoices from the second quarter are missing; everything else is in the blue folder.",
            "What looked like a fault in the clock was a technician who rounded to the nearest quarter.",
        ],
        join: " ",
    },
    Voice {
        share: 8,
        tasks: &["Fasse den Text in zwei Sätzen zusammen.", "Welche Angaben fehlen in diesem Bericht?"],
        phrases: &[
            "Der Lieferschein nennt vierzig Kisten, gezählt haben wir nach dem Abladen nur achtunddreißig.",
            "Die Heizung im zweiten Stock läuft seit der Wartung leiser, verbraucht aber mehr Strom als zuvor.",
            "Für die Prüfung am Donnerstag brauchen wir die Messreihe vom Frühjahr und das unterschriebene Protokoll.",
            "Am Bahnübergang wurde eine Geschwindigkeitsbegrenzung eingerichtet, an die sich kaum jemand hält.",
            "Das Gutachten empfiehlt, die Brücke bis zum Herbst nur einspurig befahren zu lassen.",
            "Wer den Schlüssel zuletzt hatte, ließ sich am Abend nicht mehr feststellen.",
        ],
        join: " ",
    },
    Voice {
        share: 7,
        tasks: &["Résume ce texte en trois phrases.", "Quelles décisions restent à prendre ?"],
        phrases: &[
            "Le marché du samedi commence plus tôt en été, mais les maraîchers arrivent toujours à la même heure.",
            "On a remplacé la vanne au printemps et, depuis, la pression ne descend plus la nuit.",
            "La salle du rez-de-chaussée sera libre à partir de quatorze heures, sauf le premier lundi du mois.",
            "D'après le relevé, près d'un tiers des colis ont été livrés à une mauvaise adresse.",
            "Elle préfère garder l'ancien registre jusqu'à ce que le nouveau soit vérifié ligne par ligne.",
        ],
        join: " ",
    },
    Voice {
        share: 7,
        tasks: &["Resume el texto en tres frases.", "¿Qué datos se repiten en este informe?"],
        phrases: &[
            "El almacén del puerto recibió tres camiones más de lo previsto y tuvo que cerrar antes de tiempo.",
            "Según la encuesta, la mitad de los vecinos usa la biblioteca al menos una vez por semana.",
            "La cosecha se adelantó diez días y faltaron manos para recogerla antes de las lluvias.",
            "Nadie firmó la última hoja, de modo que el acuerdo quedó pendiente hasta septiembre.",
            "El sensor de la entrada marca dos grados menos que el de la cocina, aunque ambos son nuevos.",
        ],
        join: " ",
    },
    Voice {
        share: 10,
        tasks: &[
            "次の文章を三つの文に要約してください。",
            "请用两句话概括下面的内容。",
            "この記録から数値をすべて抜き出してください。",
        ],
        phrases: &[
            "夜勤の担当者は、ポンプの温度がいつもより少し高いことに気づいて記録を残した。",
            "来週の会議までに、倉庫の在庫と注文書の数を照らし合わせておく必要がある。",
            "北側の斜面で採った試料には、予想よりも多くの粘土が含まれていた。",
            "列車は四分遅れて出発し、海岸の駅に着くころには二十分遅れていた。",
            "仓库今天多收到三车货物，所以比平时提前两个小时关门。",
            "第二季度的发票还没有找到，其余的文件都在蓝色的夹子里。",
            "传感器显示门口的温度比厨房低两度，但两个设备都是新的。",
            "委员会只需要一页说明，不要图表，结论要能直接朗读。",
        ],
        join: "",
    },
    Voice {
        share: 12,
        tasks: &[
            "Explain what this code does and where it can fail.",
            "Write a unit test for the most fragile of these functions.",
            "Find the bug and show the corrected lines only.",
        ],
        phrases: &[
            "fn median(values: &mut [f64]) -> Option<f64> {\n    values.sort_by(|a, b| a.total_cmp(b));\n    values.get(values.len() / 2).copied()\n}\n",
            "def retry_after(headers, default=1.0):\n    value = headers.get(\"Retry-After\")\n    return float(value) if value and value.isdigit() else default\n",
            "SELECT region, COUNT(*) AS n, MAX(created_at) AS newest\nFROM shipments\nWHERE status <> 'delivered'\nGROUP BY region\nHAVING COUNT(*) > 10;\n",
            "for (const [key, list] of Object.entries(groups)) {\n  totals[key] = list.reduce((sum, item) => sum + item.weight * item.count, 0);\n}\n",
            "if [ -z \"$1\" ]; then echo \"usage: $0 FILE\" >&2; exit 2; fi\nsort -u \"$1\" | awk -F, '{ seen[$2]++ } END { for (k in seen) print k, seen[k] }'\n",
            "type Window struct {\n\tstart time.Time\n\tcount int\n}\n\nfunc (w *Window) Add(n int) bool {\n\tw.count += n\n\treturn w.count <= limit\n}\n",
            "while let Some(entry) = heap.pop() {\n    if entry.due > now { heap.push(entry); break; }\n    ready.push_back(entry.task);\n}\n",
            "class Shelf:\n    def __init__(self, width_mm: int):\n        self.width_mm = width_mm\n        self.books = []\n\n    def fits(self, book) -> bool:\n        return sum(b.width_mm for b in self.books) + book.width_mm <= self.width_mm\n",
        ],
        join: "\n",
    },
    Voice {
        share: 8,
        tasks: &[
            "Which of these events need a person to look at them? Answer with their ids.",
            "Turn the following records into a table with one row per device.",
        ],
        phrases: &[
            "{\"id\":\"ev-20417\",\"device\":\"pump-3\",\"kind\":\"temperature\",\"value\":71.4,\"unit\":\"C\",\"ok\":true}",
            "{\"id\":\"ev-20418\",\"device\":\"door-north\",\"kind\":\"open\",\"seconds\":184,\"ok\":false}",
            "{\"id\":\"ev-20431\",\"device\":\"scale-2\",\"kind\":\"weight\",\"value\":[12.02,12.05,11.98],\"unit\":\"kg\"}",
            "{\"id\":\"ev-20433\",\"device\":\"pump-3\",\"kind\":\"restart\",\"by\":\"schedule\",\"after_s\":86400}",
            "{\"id\":\"ev-20460\",\"device\":\"gate-7\",\"kind\":\"fault\",\"code\":\"E-117\",\"retries\":3,\"ok\":false}",
            "{\"id\":\"ev-20462\",\"device\":\"meter-11\",\"kind\":\"reading\",\"kwh\":48213.7,\"tariff\":\"night\"}",
        ],
        join: "\n",
    },
];
