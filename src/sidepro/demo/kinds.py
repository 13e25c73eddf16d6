"""Which skills go together, and how a project that uses one of them is started.

Names are the catalogue's. People and projects of a kind share its skills, so that similar people
are found among those who would call themselves colleagues.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sidepro.domain.catalogue.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of developer, and of project.

    `leads` are the skills that a project is built *with*, `others` those that go along; `groups`
    are what such projects are about; `share` is how common the kind is.
    """

    name: str
    share: int
    groups: tuple[str, ...]
    leads: tuple[str, ...]
    others: tuple[str, ...]


def _kind(name: str, share: int, groups: str, leads: str, others: str) -> Kind:
    return Kind(name, share, *(tuple(words.split()) for words in (groups, leads, others)))


_KINDS = (
    _kind(
        "frontend",
        16,
        "life tool",
        "React TypeScript Javascript Vue.js ReactJS Angular",
        "Redux HTML5 CSS3 HTML CSS Webpack Gulp Bootstrap jQuery Ajax WebGL ECMAScript"
        " GraphQL RestAPI Git",
    ),
    _kind(
        "node",
        10,
        "life tool",
        "Node.js TypeScript Javascript",
        "GraphQL MongoDB RestAPI Redis React Vue.js Docker PostgreSQL MySQL WebRTC AWS NoSQL Git",
    ),
    _kind(
        "jvm",
        17,
        "life office",
        "SpringBoot Java Kotlin Spring",
        "JPA MySQL RestAPI Maven MyBatis Redis Kafka Docker AWS Jenkins PostgreSQL Groovy"
        " Vert.x MariaDB Git Tomcat",
    ),
    _kind(
        "java-web",
        6,
        "office",
        "Java JSP Spring Struts",
        "Servlet MyBatis OracleDB Tomcat jQuery iBATIS WAS Ajax XML PL/SQL Eclipse SVN HTML CSS"
        " Javascript Apache FLEX MSSQL",
    ),
    _kind(
        "python",
        11,
        "life tool",
        "Django Python Flask",
        "PostgreSQL RestAPI Docker Redis AWS Linux MySQL Git Javascript ElasticStack SQLite GCP",
    ),
    _kind(
        "data",
        11,
        "data",
        "Python Pytorch Tensorflow Pandas R",
        "Keras OpenCV SQL Spark SAS Matlab PostgreSQL GCP Hadoop Git",
    ),
    _kind(
        "big-data",
        5,
        "data",
        "Spark Scala Kafka Hadoop",
        "Python ElasticStack HBase Storm Logstash Lucene Splunk Java Linux NoSQL AWS Docker",
    ),
    _kind(
        "mobile",
        11,
        "life",
        "Flutter Kotlin Swift React-Native Java",
        "Android iOS Ionic Objective-C SQLite RestAPI MacOS Git GraphQL",
    ),
    _kind(
        "game",
        6,
        "game",
        "Unity Unreal C# C++",
        "OpenGL Directx WebGL VisualC·C++ Git SQLite Python",
    ),
    _kind(
        "embedded",
        5,
        "things",
        "C언어 C++ Python Qt",
        "Linux OpenCV Verilog LabVIEW Matlab Ubuntu MFC VisualC·C++ Git Unix",
    ),
    _kind(
        "operations",
        8,
        "tool",
        "Kubernetes Docker GoLang Python AWS",
        "Linux Jenkins Git GCP Azure Ubuntu CentOS Redis Apache IaaS PaaS SaaS OSS Logstash"
        " Splunk Perl Unix",
    ),
    _kind(
        "dotnet",
        5,
        "office life",
        "C# .NET ASP.NET WPF VB.NET",
        "MSSQL Azure VisualBasic ASP Javascript XML SVN Delphi RestAPI SQL",
    ),
    _kind(
        "php",
        4,
        "life office",
        "PHP Ruby Javascript",
        "MySQL jQuery HTML5 CSS3 Linux MariaDB Apache Bootstrap Perl Redis RestAPI",
    ),
    _kind(
        "maps",
        2,
        "place",
        "QGIS Python Javascript ArcGIS",
        "PostgreSQL R WebGL RestAPI Django Docker SQL",
    ),
    _kind(
        "chain",
        2,
        "chain",
        "Solidity Node.js TypeScript GoLang",
        "React RestAPI Docker Javascript MongoDB Git",
    ),
    _kind(
        "enterprise",
        3,
        "office",
        "Java PL/SQL COBOL ABAP Pro-C",
        "SQL OracleDB Unix Sybase MSSQL SAS AIX Solaris WAS XML Linux",
    ),
)


def kinds_in(catalogue: Catalogue) -> tuple[Kind, ...]:
    """The kinds, with the skills that the catalogue offers; at least one kind.

    A catalogue that offers none of a kind's leading skills does without the kind.
    """
    offered = set(catalogue.skills)
    kept = (
        replace(
            kind,
            leads=tuple(skill for skill in kind.leads if skill in offered),
            others=tuple(skill for skill in kind.others if skill in offered),
        )
        for kind in _KINDS
    )
    return tuple(kind for kind in kept if kind.leads) or (
        Kind("frontend", 1, ("life", "tool"), catalogue.skills, ()),
    )


STARTS: Mapping[str, tuple[str, str]] = {
    "React": ("bash", "npm install\nnpm run dev"),
    "Vue.js": ("bash", "npm ci\nnpm run dev -- --open"),
    "Angular": ("bash", "npm ci\nnpx ng serve --open"),
    "TypeScript": ("bash", "npm ci\nnpm run build\nnpm start"),
    "Javascript": ("bash", "npm install\nnpm start"),
    "Node.js": ("bash", "cp .env.example .env\nnpm ci\nnode server.js"),
    "GraphQL": (
        "graphql",
        "query Latest {\n  entries(first: 3) {\n    id\n    title\n    createdAt\n  }\n}",
    ),
    "SpringBoot": ("bash", "./gradlew bootRun --args='--spring.profiles.active=local'"),
    "Spring": ("bash", "./mvnw package\njava -jar target/app.jar"),
    "Java": ("bash", "./mvnw verify\njava -jar target/app.jar"),
    "Kotlin": (
        "kotlin",
        (
            "data class Entry(val id: Long, val title: String)\n\n"
            "fun List<Entry>.latest(n: Int) = sortedByDescending { it.id }.take(n)"
        ),
    ),
    "JSP": ("bash", "mvn package\ncp target/app.war $CATALINA_HOME/webapps/"),
    "Django": (
        "bash",
        (
            "python -m venv .venv && . .venv/bin/activate\npip install -r requirements.txt\n"
            "python manage.py migrate\npython manage.py runserver"
        ),
    ),
    "Flask": ("bash", "pip install -r requirements.txt\nflask --app app run --debug"),
    "Python": (
        "bash",
        "python -m venv .venv\n.venv/bin/pip install -e .\n.venv/bin/python -m app",
    ),
    "Pytorch": (
        "python",
        (
            "model.eval()\nwith torch.no_grad():\n    scores = model(batch).softmax(dim=-1)\n"
            "print(scores.topk(3))"
        ),
    ),
    "Tensorflow": ("python", 'model = tf.keras.models.load_model("model.keras")\nmodel.summary()'),
    "Pandas": (
        "python",
        (
            'daily = pd.read_csv("data.csv", parse_dates=["day"]).set_index("day")\n'
            'print(daily.resample("W").mean().tail())'
        ),
    ),
    "R": ("r", 'daily <- read.csv("data.csv")\nsummary(lm(count ~ weekday, data = daily))'),
    "Spark": ("bash", "spark-submit --master 'local[2]' jobs/daily.py data/"),
    "Scala": ("bash", "sbt test\nsbt run"),
    "Kafka": ("bash", "docker compose up -d kafka\n./gradlew run"),
    "Flutter": ("bash", "flutter pub get\nflutter run"),
    "Swift": (
        "swift",
        "struct Entry: Identifiable, Codable {\n    let id: UUID\n    var title: String\n}",
    ),
    "Android": ("bash", "./gradlew installDebug"),
    "React-Native": ("bash", "npm install\nnpx react-native run-android"),
    "Unity": (
        "csharp",
        "void Update()\n{\n    transform.position += Vector3.right * speed * Time.deltaTime;\n}",
    ),
    "C#": ("bash", "dotnet restore\ndotnet run --project src/App"),
    ".NET": ("bash", "dotnet run --project src/App"),
    "ASP.NET": ("bash", "dotnet ef database update\ndotnet run"),
    "C++": ("bash", "cmake -B build\ncmake --build build\n./build/app"),
    "C언어": ("c", "while (running) {\n    float value = sensor_read();\n    report(value);\n}"),
    "Kubernetes": ("bash", "kubectl apply -k deploy/\nkubectl rollout status deploy/app"),
    "Docker": ("bash", "docker compose up -d\ndocker compose logs -f app"),
    "GoLang": ("bash", "go test ./...\ngo run ./cmd/app"),
    "PHP": ("bash", "composer install\nphp -S localhost:8000 -t public"),
    "Ruby": ("bash", "bundle install\nbin/rails server"),
    "Solidity": (
        "solidity",
        (
            "event Recorded(address indexed who, uint256 amount);\n\n"
            "function record() external payable {\n    emit Recorded(msg.sender, msg.value);\n}"
        ),
    ),
    "PL/SQL": ("sql", "BEGIN\n  close_month(p_month => TRUNC(SYSDATE, 'MM'));\nEND;\n/"),
}
"""For a skill, the language of a code block and the code that starts or shows such a project."""
