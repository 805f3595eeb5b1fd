import "./order.css";

import { useRef } from "preact/hooks";

import { useWhileSeen } from "../common/seen";
import { keepMenu } from "../shop/menu";
import { Bar } from "./bar";
import { Basket } from "./basket-form";
import { MenuList } from "./menu-list";
import { Placed } from "./placed-card";

export function OrderView() {
  const aside = useRef<HTMLDivElement>(null);
  useWhileSeen(keepMenu);
  return (
    <>
      <h1>What would you like?</h1>
      <div class="counter">
        <MenuList />
        <div class="aside" ref={aside}>
          <Placed />
          <Basket />
        </div>
      </div>
      <Bar hiddenBy={aside} />
    </>
  );
}
