"""The English word bank: what people are called and what they say."""

from sidepro.demo.words import PeopleWords, paragraphs


def _same(names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, name.lower()) for name in names.split())


PEOPLE = PeopleWords(
    families=_same(
        "Adams Baker Bennett Clarke Cohen Costa Diaz Evans Fischer Garcia Hughes Ivanov Jensen"
        " Khan Larsen Martin Nguyen Novak Okafor Patel Rossi Silva Tanaka Walker"
    ),
    givens=_same(
        "Anna Ben Carla Chris Dana Elena Emma Eric Felix Grace Hana Ian Ines Jack Jonas Julia"
        " Karim Laura Leo Lucas Maria Max Mia Nina Noah Olivia Omar Paul Priya Ravi Rosa Sam"
        " Sara Sofia Theo Tom Vera Yuki"
    ),
    full_names=(
        "{given}{family}",
        "{latin}_{family_latin}",
        "{latin}-dev",
        "{latin}{number}",
        "{given}",
        "code_with_{latin}",
    ),
    nicknames=(
        (
            *("sleepy-", "happy-", "lost-", "quiet-", "midnight-", "lazy-", "tiny-", "late-"),
            *("brave-", "curious-", "async-", "static-", "remote-", "legacy-", "green-", "rusty-"),
        ),
        (
            *("otter", "panda", "compiler", "goose", "walrus", "coder", "fox", "pixel", "badger"),
            *("llama", "kernel", "penguin", "cursor", "noodle", "waffle", "heron", "turtle"),
        ),
    ),
    roles={
        "frontend": ("front-end developer", "web developer", "UI engineer"),
        "node": ("full-stack developer", "web developer", "back-end developer"),
        "jvm": ("back-end developer", "server engineer"),
        "java-web": ("web developer", "consultant"),
        "python": ("back-end developer", "Python developer"),
        "data": ("data analyst", "machine learning engineer", "data scientist"),
        "big-data": ("data engineer", "platform engineer"),
        "mobile": ("mobile developer", "app developer"),
        "game": ("game developer", "gameplay programmer"),
        "embedded": ("embedded developer", "firmware engineer"),
        "operations": ("DevOps engineer", "reliability engineer", "cloud engineer"),
        "dotnet": (".NET developer", "desktop developer"),
        "php": ("web developer", "agency developer"),
        "maps": ("GIS developer", "spatial analyst"),
        "chain": ("blockchain developer", "contract developer"),
        "enterprise": ("business systems developer", "database developer"),
    },
    hobbies=(
        *("hiking", "film cameras", "board games", "running", "climbing", "baking", "gardening"),
        *("reading", "playing the guitar", "camping", "retro games", "cycling", "knitting"),
    ),
    bios=paragraphs(
        """
        {role:A} for {years} years, lately mostly with {skill}.

        {role:A} in Seoul. Always up for a chat about {skill} and {other}.

        {role:W} by day, side projects by night, {hobby} on days off.

        I came to programming from another field and have been {role:a} for {years} years. Happy
        to talk to people who are just starting.

        I like making small things with {skill} and giving them away. Also into {hobby}.

        Learning {other} at the moment and looking for people to build with. Weekend mornings are
        best for a coffee chat.

        Between jobs and rebuilding my portfolio. {role:W}, {years} years.

        {skill}, {other}, {hobby}. In that order, most days.
        """
    ),
    praises=(
        "This is exactly what I was looking for!",
        "Lovely idea.",
        "Clean screens, I understood it right away.",
        "I tried it over the weekend and was surprised how finished it feels.",
        "Good to see somebody care about this.",
        "The write-up is so friendly that I read it to the end.",
        "{number} weeks for all this? Impressive.",
        "I have the same problem, and this is a neat way to solve it.",
        "Sent this to a friend at once.",
        "Nice work!",
        "You can tell that somebody cared.",
        "Showed it to a colleague right away.",
        "Bookmarked, I will be back.",
        "Wow, I needed this {number} years ago.",
        "Just what {topic:a} {form} should be.",
    ),
    remarks=(
        "I like that it does one thing only.",
        "I had never seen {skill} used like this.",
        "I once tried something similar with {skill} and gave up; now I want to try again.",
        "Had a look at the repository too, the tests are thorough.",
        "Thanks for being honest about what went wrong.",
        "My team likes it as well.",
        "Looking forward to the next version.",
        "I have been using it for {number} days without a problem.",
    ),
    questions=(
        "Why did you choose {skill}, if I may ask?",
        "How often do you back up the data?",
        "What was the hardest part at the beginning?",
        "How will you pay for it when more people come?",
        "Did you compare {skill} with anything else?",
        "Which licence is it under? Could we use it at work?",
        "Did you build this alone or in a team?",
        "Does it work offline?",
        "Which version of {skill} do you use?",
        "How do you test it?",
        "How many hours a week went into this?",
        "I would like to contribute. Where should I start?",
    ),
    wishes=(
        "A larger font size would be great.",
        "Could you add CSV to the export?",
        "The first screen feels a little slow, or is it just me?",
        "Please add a dark mode if you can.",
        "A note for Windows users in the setup guide would help.",
        "The buttons are a bit small on my phone.",
        "I would love to hear more over a coffee chat.",
    ),
    replies=(
        "Thank you! That will be in the next version.",
        "Thanks for trying it. I have opened an issue for this.",
        "{skill} is simply what we know best. Happy to tell more over a coffee chat.",
        "Good point, I was not sure about it either. Will look into it this weekend.",
        "Just fixed it, could you check again?",
        "There is a lot left to do, and contributions are always welcome.",
    ),
    openings=(
        ("Hi! I came across your profile.", "Hello, nice to meet you :)"),
        (
            "Hi, I am looking for somebody to talk to about {skill}.",
            "Hi! Good timing, I was hoping for a chat as well.",
        ),
    ),
    project_openings=(
        (
            "Hi! I really liked {name}. I have so many questions.",
            "Hello, thanks for having a look! Ask away.",
        ),
        ("{name} is great. Would you be up for a coffee chat?", "Oh, thank you! Sure, gladly."),
    ),
    exchanges=(
        (
            "How long have you been using {skill}?",
            "About {number} years. Still learning, to be honest.",
            "I have only just started.",
        ),
        (
            "What are you building at the moment?",
            "A kind of budget tracker.",
            "Tell me when it is out!",
        ),
        (
            "Where do you host your things?",
            "All on one small server.",
            "What does that cost?",
            "Less than ten dollars a month.",
        ),
        (
            "When do you find time for side projects?",
            "An hour before work, most days.",
            "Wow, respect.",
        ),
        (
            "Is there anything you would recommend for learning?",
            "The official guide, from the beginning.",
            "I feared you would say that, haha.",
        ),
        (
            "I find writing tests hard.",
            "Me too. Start with the core logic.",
            "That sounds doable.",
        ),
        (
            "I have an idea that I do not want to build alone.",
            "What is it?",
            "Something that shows free seats in libraries.",
            "Fun, count me in!",
        ),
        (
            "What do you do at work?",
            "Payments, for {number} years now.",
            "Outages must be scary.",
            "That is why my laptop is always with me.",
        ),
        (
            "Would you have a look at my portfolio?",
            "Sure, send me the link.",
            "Thanks! I will tidy it up tonight.",
        ),
        (
            "I am thinking of a {skill} study group.",
            "How many people?",
            "Four, every two weeks or so.",
        ),
        (
            "Are you going to the conference?",
            "Only on the second day.",
            "Then I will say hello there.",
        ),
        ("Tea or coffee?", "Coffee, two cups before noon."),
        ("When do you like to code?", "At night, when it is quiet."),
        ("Do you work from home?", "Two days a week."),
        ("How do you handle code reviews?", "Small ones, and within a day."),
        ("Did you draw the logo yourself?", "My brother did, he is a designer.", "Lucky you!"),
    ),
    nods=("Haha, true.", "Oh, nice!", "I see.", "Same here.", "Makes sense."),
    closings=(
        (
            "Are you free on Saturday afternoon?",
            "Any time after two!",
            "Three o'clock then. I will send you the place.",
        ),
        (
            "Half an hour online next week, would that work?",
            "Sure, Wednesday at eight?",
            "Perfect, see you then!",
        ),
        ("This helped me a lot, thank you.", "I enjoyed it too. Talk soon!"),
        ("The coffee is on me.", "Then the cake is on me!"),
    ),
)
