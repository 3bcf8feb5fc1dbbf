"""What the plain bots say: as long as the product's own texts."""

MENU = """This bot explains opsoclonus-myoclonus syndrome (OMS) in plain words.

General information, not medical advice. It does not replace your doctor.
In an emergency call 112 (EU) or your local emergency number.

Choose a topic, or type a question.
You can also contact us for more information."""

SYMPTOMS = "OMS can affect eyes, muscles, balance, mood, sleep and thinking. Choose one."

EYES = """In OMS the eyes make fast movements that the person cannot control. This is called opsoclonus.

The eyes jump at random: sideways, up and down, diagonally.
Both eyes move together.
This is why people say "dancing eyes".

The movements can come and go. They can also appear later than other signs."""

CONSENT = """We can call you back for a free consultation. If you agree, our agency stores your name, your phone number or e-mail,
your country and language, and a good time for you. You can withdraw at any time.

Do you agree?"""

PHONE = "Which number shall we call? Type it with its country code."
CHECK = "Please check. Is this right?\n\nPhone number: {phone}"
THANKS = "Thank you. Your request has reached us."
NO = "All right. Nothing was stored."

TOPICS = (
    "Emergency signs",
    "My situation",
    "What is OMS?",
    "Diagnosis and tests",
    "Treatment",
    "Course and daily life",
    "Free consultation",
)

# What is on a page, and the buttons below it: what they say and what they send.
PAGES = {
    "home": (MENU, [("Symptoms", "page:symptoms"), *((topic, "page:home") for topic in TOPICS), ("Request a callback", "callback")]),
    "symptoms": (SYMPTOMS, [("Eye movements", "page:eyes"), *((topic, "page:home") for topic in TOPICS), ("Main menu", "page:home")]),
    "eyes": (EYES, [("Muscle jerks", "page:symptoms"), ("Back", "page:symptoms"), ("Main menu", "page:home")]),
}
