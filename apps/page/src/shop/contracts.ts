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
  station: string;
  status: ItemStatus;
  reason: string | null;
}

export interface Order {
  id: string;
  /** By which it is called out; null: an earlier release placed it. */
  number: number | null;
  status: OrderStatus;
  loyaltyMemberId: string;
  placedAt: string;
  updatedAt: string;
  expiresAt: string;
  /** From now, about; null: not known, or it has ended. */
  estimateSeconds: number | null;
  /** What was ordered. */
  total: number;
  /** What was made of it, and while it is open what still may be. */
  due: number;
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

/** An order as it is called out. */
export interface PickupOrder {
  orderId: string;
  number: number | null;
  name: string;
  status: OrderStatus;
  placedAt: string;
  readyAt: string | null;
  estimateSeconds: number | null;
}

/** In preparation oldest first, ready ones newest first. */
export interface Pickup {
  inPreparation: PickupOrder[];
  ready: PickupOrder[];
}

export interface TicketItem {
  id: string;
  name: string;
  status: ItemStatus;
  reason: string | null;
  startedBy: string | null;
  endedBy: string | null;
}

/** A station's record of an order. Each version has a higher `sequence`. */
export interface Ticket {
  orderId: string;
  sequence: number;
  final: boolean;
  items: TicketItem[];
  /** When it was changed last. */
  answeredAt: string;
  placedAt: string | null;
  acceptedAt: string | null;
  number: number | null;
  name: string | null;
}

export interface TicketPage {
  tickets: Ticket[];
  /** Seconds after `placedAt` from which a ticket is slow, and late. */
  limits: { slow: number; late: number };
  /** Whether staff make; else nothing new becomes a ticket. */
  byStaff: boolean;
}

/** Seconds: half took at most `p50`, nine of ten at most `p90`. */
export interface Spread {
  p50: number;
  p90: number;
}

export interface Times {
  tickets: number;
  placedToStarted: Spread | null;
  startedToReady: Spread | null;
  placedToReady: Spread | null;
}

export interface DayClosed {
  ended: number;
  open: number;
}

/** Whether somebody has begun with it. While it waits in a station's queue it is only taken up. */
export const isBegun = (order: Order): boolean =>
  order.items.some(({ status }) => status !== "PLACED" && status !== "QUEUED");

export const isOver = ({ status }: Pick<Order, "status">): boolean => status !== "PLACED" && status !== "IN_PROGRESS";
