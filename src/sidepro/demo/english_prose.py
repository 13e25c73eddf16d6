"""The English word bank: how authors present their projects."""

from sidepro.demo.words import Prose, paragraphs

PROSE = Prose(
    suffixes=(
        *("ly", "Mate", "Nest", "Loop", "Log", "Trail", "Hub", "Box", "Pilot", "Deck", "Kit"),
        *("Buddy", "Pad", "Spot", "Flow", "Wise"),
    ),
    efforts=(
        *("after work", "on weekends", "over the holidays", "on my own", "with two friends"),
        *("in two months", "at a hackathon", "during a sabbatical", "with my sister"),
    ),
    pains=(
        *("My spreadsheet gave up.", "I could not find one I liked.", "A friend asked for it."),
        *("I wanted to learn.", "The old one shut down.", "I kept doing this by hand."),
        *("Everything else was too big.",),
    ),
    states=("beta", "open source", "looking for a team", "v2", "work in progress", "released"),
    tails=(
        "Feedback welcome!",
        "All code is open.",
        "Looking for a designer.",
        "First public version.",
        "Still in beta.",
        "Made in {number} weeks.",
        "In daily use.",
        "Ask me anything.",
        "Contributors welcome.",
        "Docs included.",
        "Five minutes to set up.",
    ),
    titles=(
        "{name}: {topic:a} {form}",
        "{name} {does}",
        "{name} for {audience}",
        "{name}, {topic} for {audience}",
        "{topic:A} {form} built with {skill}",
        "{topic:W} {form} with {skill}",
        "{topic:W} with {skill}",
        "{topic:A} {form} made {effort}",
        "[{state}] {name}: {topic}",
        "{name} ({state})",
        "{form:A} that {does}",
        "{topic:W} for {audience}",
        "Building {name}, {topic:a} {form}",
        "{number} weeks of {name}",
        "{topic:W} {form} {name}",
    ),
    summaries=(
        "{does:W}. {tail}",
        "{form:A} that {does}.",
        "{topic:A} {form} for {audience}. {tail}",
        "{topic:A} {form} made {effort}. {tail}",
        "{pain} So I built {topic:a} {form}.",
        "{topic:W} {form} with {skill}, made {effort}.",
        "{does:W}, for {audience}. {tail}",
        "{topic:W} for {audience}. {tail}",
    ),
    headings={
        "intro": ("About", "What is it?", "In one sentence"),
        "reasons": ("Why", "How it began", "Motivation"),
        "features": ("Features", "What it does", "What you get"),
        "stack": ("Stack", "Built with", "What is inside"),
        "stories": ("War stories", "What went wrong", "Behind the scenes"),
        "starts": ("Getting started", "Try it", "Running it yourself"),
        "lessons": ("Lessons", "Looking back", "What I would do differently"),
        "figures": ("In numbers", "So far", "Where it stands"),
        "plans": ("Roadmap", "Next steps", "What comes next"),
        "calls": ("Join in", "Tell me what you think", "One last thing"),
    },
    intros=paragraphs(
        """
        **{name}** is {topic:a} {form} for {audience}: something that {does}, and little else.

        {pain} So I started **{name}**, {form:a} that {does}.

        I wanted {form:a} that {does}, and built the first version of **{name}** {effort}.

        **{name}** is {topic:a} {form}. I made it {effort} and still improve it every week.

        > {name}: {form:a} that {does}.
        """
    ),
    reasons=paragraphs(
        """
        At first this was for myself alone. Then {number} people around me asked for it, so I
        added accounts and sharing and put it online.

        There is no lack of similar services, but most of them do far too much. The one thing that
        people do every day hides behind three menus. I wanted that one thing on the first screen.

        The idea had been in my notes for a year. I wanted to make one thing from beginning to end
        that has nothing to do with my job, and finally sat down to start.

        I had watched many courses and remembered little of them. So I looked for a real problem,
        asked the people closest to me, and built what they needed.

        I did this by hand for {number} years. I was curious how much time would be left over if a
        program did it, and the answer was better than I had hoped.

        It began as a joke over lunch. A week later there was a prototype, and suddenly everybody
        became serious about it.

        The service I used to rely on became paid overnight. The money was not the problem: there
        was no way to get my data out. So the first rule here is that you can always download
        everything.
        """
    ),
    features=(
        "Dark mode, of course",
        "Speaks Korean and English",
        "Everything can be exported and deleted at any time",
        "Every function can be reached by keyboard",
        "Tested from start to end with a screen reader",
        "What {audience} need most often comes first",
        "No ads and no trackers",
    ),
    skill_items=(
        "**{skill}**: what I know best, so the first version came quickly",
        "**{skill}**: new to me, but the official documents are friendly",
        "**{skill}**: never used at work, so this was the place to learn it",
        "**{skill}**: most of the core lives here",
        "**{skill}**: compared with two others, and the simplest won",
        "**{skill}**: recommended by a friend, no regrets so far",
        "**{skill}**: a day of configuration, then never thought of again",
        "**{skill}**: whenever I was stuck, somebody had been there before",
        "**{skill}**: only where speed matters",
        "**{skill}**: will do more in the next version",
    ),
    stories=paragraphs(
        """
        The longest hunt with {skill} was about time zones. Entries made around midnight moved by
        a day. Storing UTC and converting only for display made the problem go away.

        I began by copying {skill} examples. Then one file passed a thousand lines, and only after
        splitting it by responsibility could I write tests at all.

        With {number} users nothing was slow; with a few hundred it was. Measuring showed that 90%
        of the time went into a single place, and a small change to the {skill} code made it ten
        times faster.

        Deployments used to scare me. Now a merge to `main` runs the tests and ships by itself.
        The {skill} configuration lives in the repository, so newcomers deploy on their first day.

        Once I deleted production data by mistake. The backup was back after {number} hours, and
        since then I practise restoring every month. A backup is one only after it was restored.

        Upgrading {skill} took two days. Reading the whole changelog and going in small commits
        was faster in the end. My notes are in the wiki.

        Tests came late. I began with the core logic in {skill} and learned that the places that
        are hard to test are the places that are badly designed.

        For three days I looked for one broken character. File names uploaded from a Mac arrived
        decomposed. Now every text is normalised to NFC at the door.
        """
    ),
    pairs=paragraphs(
        """
        Where to draw the line between {skill} and {other} took the longest to decide. What
        changes often is on the {skill} side now, what must last is on the {other} side.

        I knew {skill} well, but {other} was new to me. I read the guide from the beginning and
        built three toy examples before I let it into this project.

        I thought that {skill} alone would do. As features grew I added {other}, and the code
        became shorter.

        There are few examples that combine {skill} with {other}, so I wrote mine down in the
        `docs` folder. I hope that it helps somebody.
        """
    ),
    starts=(
        "In a fresh checkout:",
        "The heart of it looks like this.",
        "The first run takes a few minutes, every later one a second.",
    ),
    lessons=(
        "Showing something small early was the greatest short cut",
        "A list of features we will not build saves many arguments",
        "Optimising without measuring was nearly always in vain",
        "Good names make comments shorter",
        "Nobody reads the manual; the first screen is the manual",
        "Error messages that say what to do next halved the questions",
        "Notes about decisions please the person I will be in three months",
        "Half an hour a day beats one long Sunday",
        "Every dependency removed lets me sleep better",
    ),
    figures=(
        "| | |\n|---|---|\n| Time spent | {number} weeks |\n| People | 3 |\n| Tests | {number}4 |",
        (
            "| | Before | Now |\n|---|---|---|\n| Response time | {number}80 ms | 45 ms |\n"
            "| Weekly users | 12 | {number}30 |"
        ),
        (
            "It has been public for {number} weeks. {number}2 issues are closed, and one pull"
            " request came from somebody I have never met."
        ),
    ),
    plans=(
        "Search, which most people ask for",
        "A one-minute tour for newcomers",
        "First screen within two seconds on slow phones",
        "Import from and export to other services",
        "Better Korean documentation",
        "Test coverage up to 90%",
        "An accessibility review by somebody who knows",
        "The latest version of {skill}",
        "{number} interviews with users",
        "Smarter bundling of notifications",
    ),
    calls=paragraphs(
        """
        Please try it and tell me what annoys you. The smaller the thing, the better.

        I am looking for somebody who likes design and words. Ask me for a coffee chat.

        I could use advice from people who know {skill}. One code review, one coffee on me.

        If you build something similar, let us compare notes, online or over a coffee.

        Questions are always welcome. Answers may be slow, but they come.

        Some issues carry the label `good first issue`; beginners are very welcome.
        """
    ),
    links=(
        "The code is in the [repository]({url}).",
        "More about it, and the code: [{name}]({url}).",
        "If you like it, a star on the [repository]({url}) means a lot.",
    ),
)
