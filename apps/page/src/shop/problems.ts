// Failures in words for customers. What the shop said to developers goes to the console.

import { Refused } from "./calls";

export const UNREACHABLE = "The shop cannot be reached. Trying again …";

export const NEEDS_TOKEN = "A valid token is needed for this.";

const SAID: Record<number, string> = {
  401: NEEDS_TOKEN,
  403: "This is not allowed.",
  404: "This is not there any more.",
  409: "The shop could not take it in time, and nothing was made. Please try again.",
  422: "The shop does not take it like this. Please ask the staff.",
  429: "The shop is very busy. Please try again in a moment.",
  503: "The shop is very busy. Please try again in a moment.",
};

/** What a person can do about a field, by the field's name in the API. */
const FIELDS: [RegExp, string][] = [
  [/^loyaltyMemberId$/, "Please give a name or member number of at most 200 characters."],
  [/items/i, "Something in it is not on the menu any more. Please look at the menu again."],
];

/** The reason for a failed call, in a sentence or two. */
export function explain(error: unknown): string {
  console.warn(error, error instanceof Refused ? error.problem : "");
  if (!(error instanceof Refused)) return "The shop cannot be reached.";
  const fields = error.problem.errors ?? [];
  const told = FIELDS.filter(([name]) => fields.some((each) => name.test(each.field)));
  if (told.length) return told.map(([, text]) => text).join(" ");
  return SAID[error.status] ?? `Something went wrong in the shop (number ${error.status}). Please ask the staff.`;
}
