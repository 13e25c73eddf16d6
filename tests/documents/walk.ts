// The main job through a client of openapi-typescript and openapi-fetch:
// `node walk.js http://127.0.0.1:8000` prints the steps that it did.
import createClient from "openapi-fetch";

import type { components, paths } from "./api.js";

type Schemas = components["schemas"];
type Problem = Schemas["Problem"];

const baseUrl = process.argv[2] ?? "";
const anonymous = createClient<paths>({ baseUrl });

/** The answer of a call, or an error with the problem's code. */
function got<T>(step: string, answer: { data?: T; error?: Problem; response: Response }): T {
  if (answer.error !== undefined || !answer.response.ok) {
    throw new Error(`${step}: ${answer.response.status} ${answer.error?.code}`);
  }
  console.log(step);
  return answer.data as T;
}

function same<T>(step: string, found: T, expected: T): void {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`${step}: found ${JSON.stringify(found)}`);
  }
}

async function signUp(username: string) {
  const account: Schemas["SignUp"] = {
    email: `${username}@example.com`,
    username,
    password: "밤하늘-별빛-2026",
  };
  const user = got("signUp", await anonymous.POST("/api/v1/users", { body: account }));
  const { email, password } = account;
  const tokens = got("logIn", await anonymous.POST("/api/v1/sessions", { body: { email, password } }));
  const headers = { Authorization: `${tokens.token_type} ${tokens.access_token}` };
  return { id: user.id, api: createClient<paths>({ baseUrl, headers }) };
}

const author = await signUp("typescript-author");
const reader = await signUp("typescript-reader");

const profile = got(
  "replaceMyProfile",
  await author.api.PUT("/api/v1/me/profile", {
    body: { bio: "지도를 만듭니다.", skills: ["Python"], region: null },
  }),
).profile;
const region: string | null | undefined = profile?.region;
same("a null member of an answer is there", region, null);

const project = got(
  "createProject",
  await author.api.POST("/api/v1/projects", {
    body: { title: "타입 지도", summary: "타입으로 찾는 길", content: "# 길", skills: ["Python"] },
    headers: { "Idempotency-Key": "typescript-1" },
  }),
);
const path = { project_id: project.id };

const page = got(
  "listProjects",
  await reader.api.GET("/api/v1/projects", {
    params: { query: { q: "타입 지도", skill: ["Python"], sort: "newest", total: true } },
  }),
);
const next: string | null = page.next;
same("the project is found", [page.items[0]?.id, page.total, next], [project.id, 1, null]);

got(
  "createComment",
  await reader.api.POST("/api/v1/projects/{project_id}/comments", {
    params: { path },
    body: { body: "좋네요!" },
  }),
);
const state = got(
  "addBookmark",
  await reader.api.PUT("/api/v1/projects/{project_id}/bookmark", { params: { path } }),
);
same("the bookmark counts", state.bookmark_count, 1);

const asked = got(
  "createChatRequest",
  await reader.api.POST("/api/v1/chat-requests", {
    body: { user_id: author.id, introduction: "지도 이야기를 듣고 싶어요." },
  }),
);
got(
  "acceptChatRequest",
  await author.api.POST("/api/v1/chat-requests/{request_id}/acceptance", {
    params: { path: { request_id: asked.id } },
  }),
);
const room = got("openRoom", await reader.api.POST("/api/v1/rooms", { body: { user_id: author.id } }));
const status: "running" | "stop" | "pending" = room.status;
same("nobody is connected", status, "stop");
const inRoom = { params: { path: { room_id: room.id } } };

got(
  "sendMessage",
  await reader.api.POST("/api/v1/rooms/{room_id}/messages", {
    ...inRoom,
    body: { body: "안녕하세요", client_id: "t-1" },
  }),
);
const history = got("listMessages", await author.api.GET("/api/v1/rooms/{room_id}/messages", inRoom));
same("the message arrived", history.items.map((one) => one.body), ["안녕하세요"]);
got(
  "markRoomRead",
  await author.api.PUT("/api/v1/rooms/{room_id}/read", { ...inRoom, body: { seq: history.last_seq } }),
);

const recommended = got("listRecommendations", await reader.api.GET("/api/v1/recommendations"));
const basis: ("popular" | "similar-skills")[] = recommended.items.map((one) => one.basis);
same("the popular project is recommended", basis, ["popular"]);

const kept = got("exportMyData", await reader.api.GET("/api/v1/me/export"));
same("the export has the message", kept.messages[0]?.body, "안녕하세요");

const refused = await anonymous.POST("/api/v1/users", {
  body: { email: "not an address", username: "x", password: "short" },
});
const codes: Schemas["FieldCode"][] = refused.error?.errors?.map((one) => one.code) ?? [];
same("errors have codes", [refused.error?.code, codes.includes("not-an-email")], ["invalid", true]);
