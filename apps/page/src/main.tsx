import { render } from "preact";

import { App } from "./app";
import { resume } from "./order/placing";

render(<App />, document.body);
resume();
