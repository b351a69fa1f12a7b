#!/usr/bin/env python3
"""Writes prompts-2000.jsonl: 2,000 varied prompts for a run of `bedrock-top run`. Same seed, same file.

    python3 tests/data/make_prompts.py > tests/data/prompts-2000.jsonl

Lengths are log-uniform over two decades (40 to 4,000 characters), in twelve languages, program text and JSON; all three
priorities; both line forms (`prompt`, and `modelInput` as a Converse body or an Anthropic messages body); limits that
fit, limits far above what is ever said, and a few records without any.
"""

import json
import random
import sys

SEED = 20_260
RECORDS = 2_000
SHORTEST, LONGEST = 40, 4_000

# Each language: requests with a place for a subject, subjects, and sentences of which longer prompts are made.
# `{n}` is a number, `{p}` a person.
LANGUAGES = {
    "en": (
        ["Summarise these notes about {s} in three sentences.", "What is the biggest risk in {s}? Answer briefly.",
         "Rewrite this report on {s} for a customer who is in a hurry.", "Give {s} a title of at most eight words.",
         "List the open questions about {s} as bullet points."],
        ["a cold store for vaccines", "the night bus timetable", "a leaking roof above the archive",
         "our second attempt at invoice matching", "the harbour crane inspection", "a school's new reading hour"],
        ["The pump was replaced on day {n}, but the pressure still drops after midnight.",
         "{p} measured {n} units more than the delivery note says.",
         "Nobody could tell whether the alarm had been acknowledged or merely silenced.",
         "The supplier offers a discount of {n} percent if we sign before the end of the quarter.",
         "Two of the three sensors agree; the third one has been off since spring.",
         "According to {p} the old procedure took {n} minutes and had four signatures.",
         "We would rather wait than ship something that we cannot explain."],
    ),
    "de": (
        ["Fasse die Notizen zu {s} in drei Sätzen zusammen.", "Welche Fragen zu {s} sind noch offen?",
         "Formuliere den Bericht über {s} so, dass ihn auch Fachfremde verstehen.", "Nenne das größte Risiko bei {s}."],
        ["der Sanierung des Hallendachs", "dem Nachtfahrplan der Linie 7", "einer verspäteten Zahnradlieferung",
         "der Umstellung auf Sammelrechnungen"],
        ["Die Prüfung am Tag {n} ergab keine Abweichung, wohl aber ein ungewöhnliches Geräusch.",
         "{p} hat {n} Positionen von Hand nachgetragen und zwei davon doppelt.",
         "Ob die Störung gemeldet wurde, lässt sich heute nicht mehr feststellen.",
         "Für die Übergangszeit genügt ein Verfahren, das jeder ohne Schulung bedienen kann.",
         "Der Kostenvoranschlag liegt {n} Prozent über dem des Vorjahres.",
         "Straßenlärm, Kälte und Zugluft wurden in der Umfrage am häufigsten genannt."],
    ),
    "fr": (
        ["Résume ces notes sur {s} en trois phrases.", "Quels points restent à éclaircir à propos de {s} ?",
         "Réécris ce compte rendu sur {s} pour un lecteur pressé."],
        ["la rénovation de la piscine municipale", "un stock de pièces introuvables", "l'accueil des nouveaux bénévoles",
         "la panne du four numéro deux"],
        ["Le contrôle du jour {n} n'a rien révélé d'anormal, hormis une légère odeur de brûlé.",
         "{p} affirme avoir envoyé {n} courriers, dont aucun n'a reçu de réponse.",
         "Il vaudrait mieux attendre l'été, quand les ateliers seront moins chargés.",
         "Le devis dépasse de {n} pour cent ce que le conseil avait approuvé.",
         "On ignore encore si l'erreur vient du capteur ou de celui qui l'a posé."],
    ),
    "es": (
        ["Resume estas notas sobre {s} en tres frases.", "¿Qué riesgos tiene {s}? Responde en una lista.",
         "Explica {s} a alguien que llega hoy al equipo."],
        ["la ampliación del vivero", "el reparto de agua en agosto", "un archivo que nadie ha ordenado",
         "la nueva ruta de la furgoneta"],
        ["El día {n} llegaron más cajas de las previstas y no hubo dónde ponerlas.",
         "Según {p}, bastarían {n} minutos si la puerta no estuviera siempre cerrada.",
         "Nadie se acuerda de quién cambió la contraseña ni de por qué.",
         "El presupuesto sube un {n} por ciento respecto a la última oferta.",
         "Conviene probarlo primero en un solo almacén, con gente que conozca el oficio."],
    ),
    "pt": (
        ["Resuma estas anotações sobre {s} em três frases.", "Que decisões faltam tomar sobre {s}?",
         "Escreva um aviso curto aos moradores sobre {s}."],
        ["a obra da ponte pedonal", "o atraso das sementes", "a troca dos contadores", "o coro da associação"],
        ["No dia {n} a equipa voltou mais cedo porque a maré não deixou trabalhar.",
         "{p} contou {n} peças a menos e assinou assim mesmo.",
         "O relatório anterior não diz se a válvula foi limpa ou apenas fechada.",
         "Há quem prefira esperar pelo inverno, quando a procura é menor.",
         "A proposta custa mais {n} por cento, mas inclui a manutenção."],
    ),
    "it": (
        ["Riassumi questi appunti su {s} in tre frasi.", "Quali sono i dubbi ancora aperti su {s}?"],
        ["il restauro dell'organo", "la consegna notturna del pane", "un registro tenuto a matita"],
        ["Il giorno {n} la caldaia si è spenta da sola e nessuno se n'è accorto fino a sera.",
         "{p} sostiene che {n} copie bastano, purché siano leggibili.",
         "Il tecnico ha promesso di tornare, ma non ha detto quando.",
         "Il costo è salito del {n} per cento senza che cambiasse nulla."],
    ),
    "ja": (
        ["次の{s}に関するメモを三文で要約してください。", "{s}について残っている課題を箇条書きにしてください。",
         "{s}の報告を、忙しいお客様向けに書き直してください。"],
        ["倉庫の冷房設備", "夜間バスの時刻表", "新しい検品手順", "港のクレーン点検"],
        ["{n}日目の検査では異常は見つかりませんでしたが、音が少し気になります。",
         "{p}さんは納品書より{n}個多いと報告しています。", "警報が確認されたのか、単に止められたのかは分かりません。",
         "見積もりは前回より{n}パーセント高くなっています。", "説明できないものを出荷するより、待つほうがよいと考えます。"],
    ),
    "zh": (
        ["请用三句话概括以下关于{s}的记录。", "关于{s}还有哪些问题没有解决？", "请把{s}的报告改写得通俗易懂。"],
        ["冷库改造", "夜班公交时刻表", "新的对账流程", "码头吊车检查"],
        ["第{n}天的检查没有发现异常，只是噪音比以前大了一些。", "{p}说实际数量比送货单多出{n}件。",
         "没有人能确定警报是已经处理，还是只被静音了。", "这次报价比上一次高出百分之{n}。", "与其匆忙发货，不如先把原因弄清楚。"],
    ),
    "ko": (
        ["{s}에 관한 다음 메모를 세 문장으로 요약해 주세요.", "{s}에서 아직 남은 질문을 나열해 주세요."],
        ["냉장 창고 보수", "심야 버스 시간표", "새로운 송장 대조 절차"],
        ["{n}일째 점검에서 이상은 없었지만 소리가 조금 커졌습니다.", "{p} 씨는 납품서보다 {n}개가 더 많다고 했습니다.",
         "경보가 처리된 것인지 꺼진 것인지 아무도 알지 못합니다.", "이번 견적은 지난번보다 {n}퍼센트 높습니다."],
    ),
    "ru": (
        ["Кратко перескажи заметки о том, как идёт {s}.", "Какие вопросы остались открытыми: {s}?",
         "Перепиши отчёт на тему «{s}» простыми словами."],
        ["ремонт крыши архива", "приёмка зерна", "ночное расписание автобусов", "сверка счетов"],
        ["На {n}-й день проверка ничего не показала, но шум усилился.", "{p} насчитал на {n} ящиков больше, чем в накладной.",
         "Неизвестно, приняли ли сигнал тревоги или просто отключили звук.", "Смета выросла на {n} процентов по сравнению с прошлым годом.",
         "Лучше подождать, чем отправить то, чего мы не можем объяснить."],
    ),
    "ar": (
        ["لخّص الملاحظات التالية حول {s} في ثلاث جمل.", "ما الأسئلة التي بقيت مفتوحة بشأن {s}؟"],
        ["ترميم سقف المكتبة", "جدول الحافلات الليلية", "مطابقة الفواتير"],
        ["لم يُظهر الفحص في اليوم {n} أي خلل، لكن الصوت صار أعلى قليلاً.", "يقول {p} إن العدد يزيد {n} عن المذكور في الإيصال.",
         "لا أحد يعرف هل عولج الإنذار أم أُسكت فقط.", "ارتفع السعر بنسبة {n} في المئة عن العرض السابق."],
    ),
    "hi": (
        ["{s} से जुड़ी इन टिप्पणियों का सार तीन वाक्यों में लिखिए।", "{s} के बारे में कौन से प्रश्न अभी बाकी हैं?"],
        ["शीत गोदाम की मरम्मत", "रात की बसों की समय सारणी", "चालान मिलान"],
        ["{n}वें दिन की जाँच में कोई गड़बड़ी नहीं मिली, पर आवाज़ थोड़ी बढ़ गई है।", "{p} का कहना है कि संख्या पर्ची से {n} अधिक है।",
         "किसी को नहीं पता कि चेतावनी देखी गई या केवल बंद कर दी गई।", "यह अनुमान पिछली बार से {n} प्रतिशत अधिक है।"],
    ),
}

PEOPLE = ["Amara", "Bruno", "Chiara", "Deniz", "Elif", "Farid", "Greta", "Haruto", "Ines", "Jonas", "Katya", "Leila"]

CODE_REQUESTS = ["Review this function and name one bug, if there is one.", "Write a unit test for the code below.",
                 "Explain in two sentences what this does.", "Make this shorter without changing what it does."]
CODE = [
    "def window_{n}(values, size):\n    total = 0\n    for index, value in enumerate(values):\n        total += value\n"
    "        if index >= size:\n            total -= values[index - size]\n        yield total / min(index + 1, size)\n",
    "fn parse_{n}(line: &str) -> Option<(u32, &str)> {{\n    let (left, right) = line.split_once(':')?;\n"
    "    Some((left.trim().parse().ok()?, right.trim_start()))\n}}\n",
    "SELECT depot, COUNT(*) AS late\nFROM deliveries\nWHERE due < arrived - INTERVAL '{n} minutes'\nGROUP BY depot\n"
    "HAVING COUNT(*) > {n}\nORDER BY late DESC;\n",
    "async function retry_{n}(send, tries = {n}) {{\n  for (let left = tries; ; left -= 1) {{\n    try {{ return await send(); }}\n"
    "    catch (error) {{ if (left <= 1) throw error; await pause((tries - left) * 250); }}\n  }}\n}}\n",
]
JSON_REQUESTS = ["Which of these readings look wrong? Answer as JSON.", "Turn this into a sentence for the shift log.",
                 "Give the schema of the following document."]


def reading(rng):
    return {"sensor": f"t-{rng.randrange(900):03}", "at": f"2026-0{rng.randrange(1, 10)}-1{rng.randrange(10)}T0{rng.randrange(10)}:30:00Z",
            "celsius": round(rng.gauss(4, 3), 2), "by": rng.choice(PEOPLE), "ok": rng.random() < 0.9}


def grown(head, part, joint, length):
    """`head` with as many parts as bring it near `length` characters."""
    text = head
    while len(text) < length:
        text += joint + part()
    return text


def prompt(rng):
    """A text, and what it is."""
    length = SHORTEST * (LONGEST / SHORTEST) ** rng.random()
    kind = rng.random()
    number = lambda: rng.randrange(2, 98)
    if kind < 0.10:
        return grown(rng.choice(CODE_REQUESTS), lambda: rng.choice(CODE).format(n=number()), "\n\n", length)
    if kind < 0.17:
        return grown(rng.choice(JSON_REQUESTS), lambda: json.dumps(reading(rng)), "\n", length)
    names = list(LANGUAGES)
    requests, subjects, sentences = LANGUAGES["en" if kind < 0.45 else rng.choice(names)]
    head = rng.choice(requests).format(s=rng.choice(subjects))
    return grown(head, lambda: rng.choice(sentences).format(n=number(), p=rng.choice(PEOPLE)), " ", length)


def limit(rng):
    """An output limit: most fit, some are far above anything that is ever said, a few are missing."""
    kind = rng.random()
    if kind < 0.02:
        return None
    if kind < 0.14:
        return rng.choice([4_096, 8_192, 16_000])
    return rng.choice([128, 200, 256, 400, 512, 600, 800, 1_024])


def record(rng, number):
    text, most = prompt(rng), limit(rng)
    form = rng.random()
    line = {"recordId": f"p-{number:04}"}
    if form < 0.5:
        line["prompt"] = text
        if most is not None:
            line["max_tokens"] = most
    elif form < 0.8 or most is None:
        body = {"messages": [{"role": "user", "content": [{"text": text}]}]}
        if rng.random() < 0.3:
            body["system"] = [{"text": "Answer in the language of the question."}]
        if most is not None:
            body["inferenceConfig"] = {"maxTokens": most, "temperature": round(rng.random(), 1)}
        line["modelInput"] = body
    else:
        line["modelInput"] = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": most,
                              "messages": [{"role": "user", "content": text}]}
    priority = rng.random()
    if priority < 0.15:
        line["priority"] = "high"
    elif priority < 0.45:
        line["priority"] = "low"
    elif priority < 0.7:
        line["priority"] = "medium"
    return line


def main():
    rng = random.Random(SEED)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for number in range(1, RECORDS + 1):
        print(json.dumps(record(rng, number), ensure_ascii=False, separators=(", ", ": ")))


main()
