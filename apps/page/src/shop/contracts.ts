// What the page reads and writes of counter-api's documents (its openapi.json describes them all).

export type ItemStatus = "PLACED" | "QUEUED" | "STARTED" | "READY" | "FAILED" | "CANCELLED";
export type OrderStatus = "PLACED" | "IN_PROGRESS" | "FULFILLED" | "PARTIAL" | "FAILED" | "CANCELLED";

export interface Offer {
  itemType: number;
  name: string;
  /** US dollars. */
  price: number;
  station: string;
  /** null: the station does not say. */
  available: boolean | null;
}

export interface Menu {
  items: Offer[];
}

export interface OrderItem {
  id: string;
  name: string;
  price: number;
  status: ItemStatus;
  reason: string | null;
}

export interface Order {
  id: string;
  status: OrderStatus;
  loyaltyMemberId: string;
  placedAt: string;
  updatedAt: string;
  total: number;
  items: OrderItem[];
}

/** Orders, newest first. */
export interface OrderPage {
  orders: Order[];
  next: string | null;
}

export interface PlaceOrder {
  commandType: 0;
  orderSource: 0;
  location: 0;
  loyaltyMemberId: string;
  items: { itemType: number }[];
}

/** RFC 9457. */
export interface Problem {
  detail?: string;
  errors?: { field: string; message: string }[];
}

export const isOver = ({ status }: Order): boolean => status !== "PLACED" && status !== "IN_PROGRESS";
