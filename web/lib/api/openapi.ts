// Generated from the OpenAPI document by `npm run api-types -w web`; do not edit.
export interface paths {
    "/api/order/audit/events/{eventId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Actions of organisers and administrators on an event, newest first; for its organiser and administrators */
        get: {
            parameters: {
                query: {
                    limit: number;
                    /** @description `x-next-cursor` of the previous page. Pages stay correct while entries are added */
                    cursor?: number;
                };
                header?: never;
                path: {
                    /**
                     * @description The event
                     * @example 3471e132-69f2-4764-ac79-e5ad57111483
                     */
                    eventId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Increases with time */
                            entry_id: number;
                            /** @description RFC 3339 in UTC */
                            at: string;
                            /**
                             * Format: uuid
                             * @description The user who did it
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            actor: string;
                            /** @enum {unknown} */
                            action: "ticket.issued" | "ticket.changed" | "ticket.voided" | "check_in.undone" | "door.changed" | "order.cancelled" | "order.refunded" | "refund.settled";
                            /**
                             * Format: uuid
                             * @description The event
                             * @example 3471e132-69f2-4764-ac79-e5ad57111483
                             */
                            event_id: string;
                            /**
                             * Format: uuid
                             * @description The session
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            session_id: string;
                            /** @description Empty if the action was about the whole session */
                            order_id: string;
                            /** @description Empty if the action was about the whole order */
                            ticket_id: string;
                            /** @description State before the action; null if nothing existed */
                            before: {
                                [key: string]: string | number | boolean | null;
                            } | null;
                            after: {
                                [key: string]: string | number | boolean | null;
                            };
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Place an order for all the seats or none */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "session_id": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                     *       "event_id": "3471e132-69f2-4764-ac79-e5ad57111483",
                     *       "organization_id": "22a67f04-b918-44ac-9b63-49efe8d34356",
                     *       "seat_ids": [
                     *         "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0"
                     *       ],
                     *       "discount_id": null
                     *     }
                     */
                    "application/json": {
                        /**
                         * Format: uuid
                         * @description The session
                         * @example 293bed3f-c670-42f6-9e28-628cd6fec57a
                         */
                        session_id: string;
                        /**
                         * Format: uuid
                         * @description Its event
                         * @example 3471e132-69f2-4764-ac79-e5ad57111483
                         */
                        event_id: string;
                        /**
                         * Format: uuid
                         * @description The organisation of the event
                         * @example 22a67f04-b918-44ac-9b63-49efe8d34356
                         */
                        organization_id: string;
                        /** @description Seats to hold: all of them or none */
                        seat_ids: string[];
                        /** @description Absent, null or empty: none */
                        discount_id?: string | "" | null;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "order_id": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                         *       "session_id": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                         *       "organization_id": "22a67f04-b918-44ac-9b63-49efe8d34356",
                         *       "seat_ids": [
                         *         "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0"
                         *       ],
                         *       "user_id": "aa59a6f4-b86c-4fdf-8440-3cb190b40159"
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The order
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            order_id: string;
                            /**
                             * Format: uuid
                             * @description The session
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            session_id: string;
                            /**
                             * Format: uuid
                             * @description The organisation
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            organization_id: string;
                            seat_ids: string[];
                            /**
                             * Format: uuid
                             * @description The buyer
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            user_id: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/{orderId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read an order; for its buyer, the organiser of its event and administrators */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description The order
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    orderId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "OrderID": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                         *       "UserID": "aa59a6f4-b86c-4fdf-8440-3cb190b40159",
                         *       "EventID": "3471e132-69f2-4764-ac79-e5ad57111483",
                         *       "OrganizationID": "22a67f04-b918-44ac-9b63-49efe8d34356",
                         *       "SessionID": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                         *       "Status": "pending",
                         *       "SubTotal": 301,
                         *       "DiscountID": "",
                         *       "DiscountCode": "",
                         *       "DiscountAmount": 0,
                         *       "Price": 301,
                         *       "CreatedAt": "2026-11-24T03:17:15.905Z",
                         *       "PaymentIntentID": "",
                         *       "tickets": []
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The order
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            OrderID: string;
                            /**
                             * Format: uuid
                             * @description The buyer
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            UserID: string;
                            /**
                             * Format: uuid
                             * @description The event
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            EventID: string;
                            /**
                             * Format: uuid
                             * @description The organisation
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            OrganizationID: string;
                            /**
                             * Format: uuid
                             * @description The session
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            SessionID: string;
                            Status: "pending" | "completed" | "cancelled";
                            /** @description Major units */
                            SubTotal: number;
                            /** @description Empty when there is none */
                            DiscountID: string;
                            DiscountCode: string;
                            /** @description Major units */
                            DiscountAmount: number;
                            /** @description SubTotal less DiscountAmount: the amount charged */
                            Price: number;
                            /** @description RFC 3339 in UTC */
                            CreatedAt: string;
                            /** @description Empty when there is none */
                            PaymentIntentID: string;
                            tickets?: {
                                /**
                                 * Format: uuid
                                 * @description The ticket
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                ticket_id: string;
                                /**
                                 * Format: uuid
                                 * @description The order it belongs to
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                order_id: string;
                                /** @description Opaque id of the seat */
                                seat_id: string;
                                /** @description Label of the seat */
                                seat_label: string;
                                /** @description Colour of the price tier */
                                colour: string;
                                /**
                                 * Format: uuid
                                 * @description The price tier
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                tier_id: string;
                                tier_name: string;
                                /** @description Major units */
                                price_at_purchase: number;
                                /** @description RFC 3339 in UTC */
                                issued_at: string;
                                checked_in: boolean;
                                /** @description 0001-01-01T00:00:00Z before the check-in */
                                checked_in_time: string;
                                /** @description The organiser’s note about the holder, if any */
                                note?: string;
                                /** @description PNG in base64; only if the order is completed */
                                qr_code?: string;
                            }[];
                        };
                    };
                };
            };
        };
        /** Change the seats or the discount of a pending order */
        put: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path: {
                    /**
                     * @description The order
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    orderId: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "seat_ids": [
                     *         "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0"
                     *       ],
                     *       "discount_id": null
                     *     }
                     */
                    "application/json": {
                        /** @description All seats of the changed order; seats that it has already keep their price */
                        seat_ids?: string[];
                        /** @description Null or empty removes the discount */
                        discount_id?: string | "" | null;
                    } | unknown | unknown;
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "OrderID": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                         *       "UserID": "aa59a6f4-b86c-4fdf-8440-3cb190b40159",
                         *       "EventID": "3471e132-69f2-4764-ac79-e5ad57111483",
                         *       "OrganizationID": "22a67f04-b918-44ac-9b63-49efe8d34356",
                         *       "SessionID": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                         *       "Status": "pending",
                         *       "SubTotal": 301,
                         *       "DiscountID": "",
                         *       "DiscountCode": "",
                         *       "DiscountAmount": 0,
                         *       "Price": 301,
                         *       "CreatedAt": "2026-11-24T03:17:15.905Z",
                         *       "PaymentIntentID": "",
                         *       "tickets": []
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The order
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            OrderID: string;
                            /**
                             * Format: uuid
                             * @description The buyer
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            UserID: string;
                            /**
                             * Format: uuid
                             * @description The event
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            EventID: string;
                            /**
                             * Format: uuid
                             * @description The organisation
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            OrganizationID: string;
                            /**
                             * Format: uuid
                             * @description The session
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            SessionID: string;
                            Status: "pending" | "completed" | "cancelled";
                            /** @description Major units */
                            SubTotal: number;
                            /** @description Empty when there is none */
                            DiscountID: string;
                            DiscountCode: string;
                            /** @description Major units */
                            DiscountAmount: number;
                            /** @description SubTotal less DiscountAmount: the amount charged */
                            Price: number;
                            /** @description RFC 3339 in UTC */
                            CreatedAt: string;
                            /** @description Empty when there is none */
                            PaymentIntentID: string;
                            tickets?: {
                                /**
                                 * Format: uuid
                                 * @description The ticket
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                ticket_id: string;
                                /**
                                 * Format: uuid
                                 * @description The order it belongs to
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                order_id: string;
                                /** @description Opaque id of the seat */
                                seat_id: string;
                                /** @description Label of the seat */
                                seat_label: string;
                                /** @description Colour of the price tier */
                                colour: string;
                                /**
                                 * Format: uuid
                                 * @description The price tier
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                tier_id: string;
                                tier_name: string;
                                /** @description Major units */
                                price_at_purchase: number;
                                /** @description RFC 3339 in UTC */
                                issued_at: string;
                                checked_in: boolean;
                                /** @description 0001-01-01T00:00:00Z before the check-in */
                                checked_in_time: string;
                                /** @description The organiser’s note about the holder, if any */
                                note?: string;
                                /** @description PNG in base64; only if the order is completed */
                                qr_code?: string;
                            }[];
                        };
                    };
                };
            };
        };
        post?: never;
        /** Cancel a pending order; an administrator can also cancel a completed order, which refunds it */
        delete: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path: {
                    /**
                     * @description The order
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    orderId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The order is cancelled and its seats are free */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/user/orders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the caller’s orders with QR codes, newest first */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The order
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            OrderID: string;
                            /**
                             * Format: uuid
                             * @description The buyer
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            UserID: string;
                            /**
                             * Format: uuid
                             * @description The event
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            EventID: string;
                            /**
                             * Format: uuid
                             * @description The organisation
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            OrganizationID: string;
                            /**
                             * Format: uuid
                             * @description The session
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            SessionID: string;
                            Status: "pending" | "completed" | "cancelled";
                            /** @description Major units */
                            SubTotal: number;
                            /** @description Empty when there is none */
                            DiscountID: string;
                            DiscountCode: string;
                            /** @description Major units */
                            DiscountAmount: number;
                            /** @description SubTotal less DiscountAmount: the amount charged */
                            Price: number;
                            /** @description RFC 3339 in UTC */
                            CreatedAt: string;
                            /** @description Empty when there is none */
                            PaymentIntentID: string;
                            tickets?: {
                                /**
                                 * Format: uuid
                                 * @description The ticket
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                ticket_id: string;
                                /**
                                 * Format: uuid
                                 * @description The order it belongs to
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                order_id: string;
                                /** @description Opaque id of the seat */
                                seat_id: string;
                                /** @description Label of the seat */
                                seat_label: string;
                                /** @description Colour of the price tier */
                                colour: string;
                                /**
                                 * Format: uuid
                                 * @description The price tier
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                tier_id: string;
                                tier_name: string;
                                /** @description Major units */
                                price_at_purchase: number;
                                /** @description RFC 3339 in UTC */
                                issued_at: string;
                                checked_in: boolean;
                                /** @description 0001-01-01T00:00:00Z before the check-in */
                                checked_in_time: string;
                                /** @description The organiser’s note about the holder, if any */
                                note?: string;
                                /** @description PNG in base64; only if the order is completed */
                                qr_code?: string;
                            }[];
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/user/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a user’s orders with QR codes, newest first; for the user and administrators */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description The user
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    userId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The order
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            OrderID: string;
                            /**
                             * Format: uuid
                             * @description The buyer
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            UserID: string;
                            /**
                             * Format: uuid
                             * @description The event
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            EventID: string;
                            /**
                             * Format: uuid
                             * @description The organisation
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            OrganizationID: string;
                            /**
                             * Format: uuid
                             * @description The session
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            SessionID: string;
                            Status: "pending" | "completed" | "cancelled";
                            /** @description Major units */
                            SubTotal: number;
                            /** @description Empty when there is none */
                            DiscountID: string;
                            DiscountCode: string;
                            /** @description Major units */
                            DiscountAmount: number;
                            /** @description SubTotal less DiscountAmount: the amount charged */
                            Price: number;
                            /** @description RFC 3339 in UTC */
                            CreatedAt: string;
                            /** @description Empty when there is none */
                            PaymentIntentID: string;
                            tickets?: {
                                /**
                                 * Format: uuid
                                 * @description The ticket
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                ticket_id: string;
                                /**
                                 * Format: uuid
                                 * @description The order it belongs to
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                order_id: string;
                                /** @description Opaque id of the seat */
                                seat_id: string;
                                /** @description Label of the seat */
                                seat_label: string;
                                /** @description Colour of the price tier */
                                colour: string;
                                /**
                                 * Format: uuid
                                 * @description The price tier
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                tier_id: string;
                                tier_name: string;
                                /** @description Major units */
                                price_at_purchase: number;
                                /** @description RFC 3339 in UTC */
                                issued_at: string;
                                checked_in: boolean;
                                /** @description 0001-01-01T00:00:00Z before the check-in */
                                checked_in_time: string;
                                /** @description The organiser’s note about the holder, if any */
                                note?: string;
                                /** @description PNG in base64; only if the order is completed */
                                qr_code?: string;
                            }[];
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/{orderId}/create-payment-intent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Create or return the order’s PaymentIntent */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path: {
                    /**
                     * @description The order
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    orderId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "clientSecret": "pi_3Abc_secret_def",
                         *       "paymentIntentId": "pi_3Abc",
                         *       "seatLockDurationMins": 5,
                         *       "publishableKey": "pk_live_Abc",
                         *       "order": {
                         *         "OrderID": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                         *         "UserID": "aa59a6f4-b86c-4fdf-8440-3cb190b40159",
                         *         "EventID": "3471e132-69f2-4764-ac79-e5ad57111483",
                         *         "OrganizationID": "22a67f04-b918-44ac-9b63-49efe8d34356",
                         *         "SessionID": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                         *         "Status": "pending",
                         *         "SubTotal": 301,
                         *         "DiscountID": "",
                         *         "DiscountCode": "",
                         *         "DiscountAmount": 0,
                         *         "Price": 301,
                         *         "CreatedAt": "2026-11-24T03:17:15.905Z",
                         *         "PaymentIntentID": "",
                         *         "tickets": []
                         *       }
                         *     }
                         */
                        "application/json": {
                            /** @description Secret with which a page confirms the payment */
                            clientSecret: string;
                            paymentIntentId: string;
                            /** @description Minutes left of the hold, rounded up; 0 when it has ended */
                            seatLockDurationMins: number;
                            /** @description Stripe’s publishable key; absent when STRIPE_PUBLISHABLE_KEY is not set */
                            publishableKey?: string;
                            /**
                             * @example {
                             *       "OrderID": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                             *       "UserID": "aa59a6f4-b86c-4fdf-8440-3cb190b40159",
                             *       "EventID": "3471e132-69f2-4764-ac79-e5ad57111483",
                             *       "OrganizationID": "22a67f04-b918-44ac-9b63-49efe8d34356",
                             *       "SessionID": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                             *       "Status": "pending",
                             *       "SubTotal": 301,
                             *       "DiscountID": "",
                             *       "DiscountCode": "",
                             *       "DiscountAmount": 0,
                             *       "Price": 301,
                             *       "CreatedAt": "2026-11-24T03:17:15.905Z",
                             *       "PaymentIntentID": "",
                             *       "tickets": []
                             *     }
                             */
                            order: {
                                /**
                                 * Format: uuid
                                 * @description The order
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                OrderID: string;
                                /**
                                 * Format: uuid
                                 * @description The buyer
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                UserID: string;
                                /**
                                 * Format: uuid
                                 * @description The event
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                EventID: string;
                                /**
                                 * Format: uuid
                                 * @description The organisation
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                OrganizationID: string;
                                /**
                                 * Format: uuid
                                 * @description The session
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                SessionID: string;
                                Status: "pending" | "completed" | "cancelled";
                                /** @description Major units */
                                SubTotal: number;
                                /** @description Empty when there is none */
                                DiscountID: string;
                                DiscountCode: string;
                                /** @description Major units */
                                DiscountAmount: number;
                                /** @description SubTotal less DiscountAmount: the amount charged */
                                Price: number;
                                /** @description RFC 3339 in UTC */
                                CreatedAt: string;
                                /** @description Empty when there is none */
                                PaymentIntentID: string;
                                tickets?: {
                                    /**
                                     * Format: uuid
                                     * @description The ticket
                                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                     */
                                    ticket_id: string;
                                    /**
                                     * Format: uuid
                                     * @description The order it belongs to
                                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                     */
                                    order_id: string;
                                    /** @description Opaque id of the seat */
                                    seat_id: string;
                                    /** @description Label of the seat */
                                    seat_label: string;
                                    /** @description Colour of the price tier */
                                    colour: string;
                                    /**
                                     * Format: uuid
                                     * @description The price tier
                                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                     */
                                    tier_id: string;
                                    tier_name: string;
                                    /** @description Major units */
                                    price_at_purchase: number;
                                    /** @description RFC 3339 in UTC */
                                    issued_at: string;
                                    checked_in: boolean;
                                    /** @description 0001-01-01T00:00:00Z before the check-in */
                                    checked_in_time: string;
                                    /** @description The organiser’s note about the holder, if any */
                                    note?: string;
                                    /** @description PNG in base64; only if the order is completed */
                                    qr_code?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/{orderId}/checkout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Complete a free order, or an order whose payment succeeded */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path: {
                    /**
                     * @description The order
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    orderId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "OrderID": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                         *       "UserID": "aa59a6f4-b86c-4fdf-8440-3cb190b40159",
                         *       "EventID": "3471e132-69f2-4764-ac79-e5ad57111483",
                         *       "OrganizationID": "22a67f04-b918-44ac-9b63-49efe8d34356",
                         *       "SessionID": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                         *       "Status": "pending",
                         *       "SubTotal": 301,
                         *       "DiscountID": "",
                         *       "DiscountCode": "",
                         *       "DiscountAmount": 0,
                         *       "Price": 301,
                         *       "CreatedAt": "2026-11-24T03:17:15.905Z",
                         *       "PaymentIntentID": "",
                         *       "tickets": []
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The order
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            OrderID: string;
                            /**
                             * Format: uuid
                             * @description The buyer
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            UserID: string;
                            /**
                             * Format: uuid
                             * @description The event
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            EventID: string;
                            /**
                             * Format: uuid
                             * @description The organisation
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            OrganizationID: string;
                            /**
                             * Format: uuid
                             * @description The session
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            SessionID: string;
                            Status: "pending" | "completed" | "cancelled";
                            /** @description Major units */
                            SubTotal: number;
                            /** @description Empty when there is none */
                            DiscountID: string;
                            DiscountCode: string;
                            /** @description Major units */
                            DiscountAmount: number;
                            /** @description SubTotal less DiscountAmount: the amount charged */
                            Price: number;
                            /** @description RFC 3339 in UTC */
                            CreatedAt: string;
                            /** @description Empty when there is none */
                            PaymentIntentID: string;
                            tickets?: {
                                /**
                                 * Format: uuid
                                 * @description The ticket
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                ticket_id: string;
                                /**
                                 * Format: uuid
                                 * @description The order it belongs to
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                order_id: string;
                                /** @description Opaque id of the seat */
                                seat_id: string;
                                /** @description Label of the seat */
                                seat_label: string;
                                /** @description Colour of the price tier */
                                colour: string;
                                /**
                                 * Format: uuid
                                 * @description The price tier
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                tier_id: string;
                                tier_name: string;
                                /** @description Major units */
                                price_at_purchase: number;
                                /** @description RFC 3339 in UTC */
                                issued_at: string;
                                checked_in: boolean;
                                /** @description 0001-01-01T00:00:00Z before the check-in */
                                checked_in_time: string;
                                /** @description The organiser’s note about the holder, if any */
                                note?: string;
                                /** @description PNG in base64; only if the order is completed */
                                qr_code?: string;
                            }[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/{orderId}/refund": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Refund a completed order in whole or in part; for the organiser of its event and administrators */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path: {
                    /**
                     * @description The order
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    orderId: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "amount": 50,
                     *       "reason": "the view was blocked"
                     *     }
                     */
                    "application/json": {
                        /** @description Major units; when absent, all that is left is refunded and the order is cancelled */
                        amount?: number | null;
                        /**
                         * Format: plain-text
                         * @description Stored with the refund
                         */
                        reason?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "refund_id": "4c9a1f0e-6a1f-4b39-8d53-1d8f6c0a7e11",
                         *       "amount": 50,
                         *       "reason": "the view was blocked",
                         *       "order": {
                         *         "OrderID": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                         *         "UserID": "aa59a6f4-b86c-4fdf-8440-3cb190b40159",
                         *         "EventID": "3471e132-69f2-4764-ac79-e5ad57111483",
                         *         "OrganizationID": "22a67f04-b918-44ac-9b63-49efe8d34356",
                         *         "SessionID": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                         *         "Status": "pending",
                         *         "SubTotal": 301,
                         *         "DiscountID": "",
                         *         "DiscountCode": "",
                         *         "DiscountAmount": 0,
                         *         "Price": 301,
                         *         "CreatedAt": "2026-11-24T03:17:15.905Z",
                         *         "PaymentIntentID": "",
                         *         "tickets": []
                         *       }
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The refund
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            refund_id: string;
                            /** @description Major units */
                            amount: number;
                            reason: string;
                            /**
                             * @example {
                             *       "OrderID": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                             *       "UserID": "aa59a6f4-b86c-4fdf-8440-3cb190b40159",
                             *       "EventID": "3471e132-69f2-4764-ac79-e5ad57111483",
                             *       "OrganizationID": "22a67f04-b918-44ac-9b63-49efe8d34356",
                             *       "SessionID": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                             *       "Status": "pending",
                             *       "SubTotal": 301,
                             *       "DiscountID": "",
                             *       "DiscountCode": "",
                             *       "DiscountAmount": 0,
                             *       "Price": 301,
                             *       "CreatedAt": "2026-11-24T03:17:15.905Z",
                             *       "PaymentIntentID": "",
                             *       "tickets": []
                             *     }
                             */
                            order: {
                                /**
                                 * Format: uuid
                                 * @description The order
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                OrderID: string;
                                /**
                                 * Format: uuid
                                 * @description The buyer
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                UserID: string;
                                /**
                                 * Format: uuid
                                 * @description The event
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                EventID: string;
                                /**
                                 * Format: uuid
                                 * @description The organisation
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                OrganizationID: string;
                                /**
                                 * Format: uuid
                                 * @description The session
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                SessionID: string;
                                Status: "pending" | "completed" | "cancelled";
                                /** @description Major units */
                                SubTotal: number;
                                /** @description Empty when there is none */
                                DiscountID: string;
                                DiscountCode: string;
                                /** @description Major units */
                                DiscountAmount: number;
                                /** @description SubTotal less DiscountAmount: the amount charged */
                                Price: number;
                                /** @description RFC 3339 in UTC */
                                CreatedAt: string;
                                /** @description Empty when there is none */
                                PaymentIntentID: string;
                                tickets?: {
                                    /**
                                     * Format: uuid
                                     * @description The ticket
                                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                     */
                                    ticket_id: string;
                                    /**
                                     * Format: uuid
                                     * @description The order it belongs to
                                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                     */
                                    order_id: string;
                                    /** @description Opaque id of the seat */
                                    seat_id: string;
                                    /** @description Label of the seat */
                                    seat_label: string;
                                    /** @description Colour of the price tier */
                                    colour: string;
                                    /**
                                     * Format: uuid
                                     * @description The price tier
                                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                     */
                                    tier_id: string;
                                    tier_name: string;
                                    /** @description Major units */
                                    price_at_purchase: number;
                                    /** @description RFC 3339 in UTC */
                                    issued_at: string;
                                    checked_in: boolean;
                                    /** @description 0001-01-01T00:00:00Z before the check-in */
                                    checked_in_time: string;
                                    /** @description The organiser’s note about the holder, if any */
                                    note?: string;
                                    /** @description PNG in base64; only if the order is completed */
                                    qr_code?: string;
                                }[];
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/admin/payments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List stuck refunds and webhooks, which used up their tries, oldest first; for administrators */
        get: {
            parameters: {
                query: {
                    /** @example stuck */
                    state: "stuck";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            kind: "refund" | "webhook";
                            /** @description Id of the refund, or of Stripe’s event for a webhook */
                            id: string;
                            /** @description Empty when unknown */
                            order_id: string;
                            /** @description Empty when unknown */
                            payment_intent_id: string;
                            amount_minor: number | null;
                            /** @description Empty when unknown */
                            currency: string;
                            attempts: number;
                            last_error: string;
                            /** @description RFC 3339 in UTC */
                            received_at: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/admin/payments/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try a stuck refund or webhook again; for administrators */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path: {
                    /** @example pi_3Abc */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The next try follows at once */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/admin/payments/{id}/settled": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Mark a stuck refund as paid in another way; for administrators */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path: {
                    /**
                     * @description The refund
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "reference": "bank transfer 2026-11-24/17"
                     *     }
                     */
                    "application/json": {
                        /**
                         * Format: plain-text
                         * @description How the refund was paid, such as the number of a bank transfer; stored with the refund
                         */
                        reference: string;
                    };
                };
            };
            responses: {
                /** @description The refund is done */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/ticket": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tickets of an order; for users who may read the order */
        get: {
            parameters: {
                query: {
                    /**
                     * @description The order
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    orderId: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The ticket
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            ticket_id: string;
                            /**
                             * Format: uuid
                             * @description The order it belongs to
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            order_id: string;
                            /** @description Opaque id of the seat */
                            seat_id: string;
                            /** @description Label of the seat */
                            seat_label: string;
                            /** @description Colour of the price tier */
                            colour: string;
                            /**
                             * Format: uuid
                             * @description The price tier
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            tier_id: string;
                            tier_name: string;
                            /** @description Major units */
                            price_at_purchase: number;
                            /** @description RFC 3339 in UTC */
                            issued_at: string;
                            checked_in: boolean;
                            /** @description 0001-01-01T00:00:00Z before the check-in */
                            checked_in_time: string;
                            /** @description The organiser’s note about the holder, if any */
                            note?: string;
                            /** @description PNG in base64; only if the order is completed */
                            qr_code?: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        /** Issue a complimentary ticket, or one sold for cash; for the organiser of the event and administrators */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "event_id": "3471e132-69f2-4764-ac79-e5ad57111483",
                     *       "session_id": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                     *       "seat_id": "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0",
                     *       "tier_id": "33333333-3333-3333-3333-333333333333",
                     *       "price": 0,
                     *       "note": "Guest of the band"
                     *     }
                     */
                    "application/json": {
                        /**
                         * Format: uuid
                         * @description The event
                         * @example 3471e132-69f2-4764-ac79-e5ad57111483
                         */
                        event_id: string;
                        /**
                         * Format: uuid
                         * @description One of its sessions
                         * @example 293bed3f-c670-42f6-9e28-628cd6fec57a
                         */
                        session_id: string;
                        /**
                         * Format: plain-text
                         * @description Id of a seat; an opaque text, usually a UUID
                         */
                        seat_id: string;
                        /**
                         * Format: uuid
                         * @description The expected tier of the seat; the request is refused when the seat has another
                         * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                         */
                        tier_id?: string;
                        /** @description Major units: 0 for a complimentary ticket, otherwise the cash received */
                        price: number;
                        /**
                         * Format: plain-text
                         * @description A note about the holder, which the organiser, the holder and scanners can read
                         */
                        note?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "ticket_id": "8e688506-02b1-48ed-9612-5472dd044744",
                         *       "order_id": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                         *       "seat_id": "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0",
                         *       "seat_label": "A12",
                         *       "colour": "#FFD700",
                         *       "tier_id": "33333333-3333-3333-3333-333333333333",
                         *       "tier_name": "VIP",
                         *       "price_at_purchase": 150.5,
                         *       "issued_at": "2026-11-24T03:17:16.954Z",
                         *       "checked_in": false,
                         *       "checked_in_time": "0001-01-01T00:00:00Z"
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The ticket
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            ticket_id: string;
                            /**
                             * Format: uuid
                             * @description The order it belongs to
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            order_id: string;
                            /** @description Opaque id of the seat */
                            seat_id: string;
                            /** @description Label of the seat */
                            seat_label: string;
                            /** @description Colour of the price tier */
                            colour: string;
                            /**
                             * Format: uuid
                             * @description The price tier
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            tier_id: string;
                            tier_name: string;
                            /** @description Major units */
                            price_at_purchase: number;
                            /** @description RFC 3339 in UTC */
                            issued_at: string;
                            checked_in: boolean;
                            /** @description 0001-01-01T00:00:00Z before the check-in */
                            checked_in_time: string;
                            /** @description The organiser’s note about the holder, if any */
                            note?: string;
                            /** @description PNG in base64; only if the order is completed */
                            qr_code?: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/ticket/{ticketId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A ticket; for its holder, the organiser, a scanner of the session and administrators */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description The ticket
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    ticketId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "ticket_id": "8e688506-02b1-48ed-9612-5472dd044744",
                         *       "order_id": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                         *       "seat_id": "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0",
                         *       "seat_label": "A12",
                         *       "colour": "#FFD700",
                         *       "tier_id": "33333333-3333-3333-3333-333333333333",
                         *       "tier_name": "VIP",
                         *       "price_at_purchase": 150.5,
                         *       "issued_at": "2026-11-24T03:17:16.954Z",
                         *       "checked_in": false,
                         *       "checked_in_time": "0001-01-01T00:00:00Z"
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The ticket
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            ticket_id: string;
                            /**
                             * Format: uuid
                             * @description The order it belongs to
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            order_id: string;
                            /** @description Opaque id of the seat */
                            seat_id: string;
                            /** @description Label of the seat */
                            seat_label: string;
                            /** @description Colour of the price tier */
                            colour: string;
                            /**
                             * Format: uuid
                             * @description The price tier
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            tier_id: string;
                            tier_name: string;
                            /** @description Major units */
                            price_at_purchase: number;
                            /** @description RFC 3339 in UTC */
                            issued_at: string;
                            checked_in: boolean;
                            /** @description 0001-01-01T00:00:00Z before the check-in */
                            checked_in_time: string;
                            /** @description The organiser’s note about the holder, if any */
                            note?: string;
                            /** @description PNG in base64; only if the order is completed */
                            qr_code?: string;
                        };
                    };
                };
            };
        };
        /** Change the seat, label or note of a ticket; for the organiser and administrators */
        put: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path: {
                    /**
                     * @description The ticket
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    ticketId: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "seat_id": "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0",
                     *       "note": "Needs a ramp"
                     *     }
                     */
                    "application/json": {
                        /**
                         * Format: plain-text
                         * @description Id of a seat; an opaque text, usually a UUID
                         */
                        seat_id?: string;
                        /**
                         * Format: plain-text
                         * @description Label on the ticket; when only the seat changes, the new seat’s label
                         */
                        seat_label?: string;
                        /**
                         * Format: plain-text
                         * @description A note about the holder, which the organiser, the holder and scanners can read
                         */
                        note?: string;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "ticket_id": "8e688506-02b1-48ed-9612-5472dd044744",
                         *       "order_id": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                         *       "seat_id": "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0",
                         *       "seat_label": "A12",
                         *       "colour": "#FFD700",
                         *       "tier_id": "33333333-3333-3333-3333-333333333333",
                         *       "tier_name": "VIP",
                         *       "price_at_purchase": 150.5,
                         *       "issued_at": "2026-11-24T03:17:16.954Z",
                         *       "checked_in": false,
                         *       "checked_in_time": "0001-01-01T00:00:00Z"
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The ticket
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            ticket_id: string;
                            /**
                             * Format: uuid
                             * @description The order it belongs to
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            order_id: string;
                            /** @description Opaque id of the seat */
                            seat_id: string;
                            /** @description Label of the seat */
                            seat_label: string;
                            /** @description Colour of the price tier */
                            colour: string;
                            /**
                             * Format: uuid
                             * @description The price tier
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            tier_id: string;
                            tier_name: string;
                            /** @description Major units */
                            price_at_purchase: number;
                            /** @description RFC 3339 in UTC */
                            issued_at: string;
                            checked_in: boolean;
                            /** @description 0001-01-01T00:00:00Z before the check-in */
                            checked_in_time: string;
                            /** @description The organiser’s note about the holder, if any */
                            note?: string;
                            /** @description PNG in base64; only if the order is completed */
                            qr_code?: string;
                        };
                    };
                };
            };
        };
        post?: never;
        /** Void a ticket, and refund it when asked to; for the organiser and administrators */
        delete: {
            parameters: {
                query: {
                    /** @description Whether the ticket is refunded; the caller hands cash back */
                    refund: boolean;
                };
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path: {
                    /**
                     * @description The ticket
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    ticketId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The ticket is void and its seat is free */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/{orderId}/tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tickets of an order; for users who may read the order */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description The order
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    orderId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The ticket
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            ticket_id: string;
                            /**
                             * Format: uuid
                             * @description The order it belongs to
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            order_id: string;
                            /** @description Opaque id of the seat */
                            seat_id: string;
                            /** @description Label of the seat */
                            seat_label: string;
                            /** @description Colour of the price tier */
                            colour: string;
                            /**
                             * Format: uuid
                             * @description The price tier
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            tier_id: string;
                            tier_name: string;
                            /** @description Major units */
                            price_at_purchase: number;
                            /** @description RFC 3339 in UTC */
                            issued_at: string;
                            checked_in: boolean;
                            /** @description 0001-01-01T00:00:00Z before the check-in */
                            checked_in_time: string;
                            /** @description The organiser’s note about the holder, if any */
                            note?: string;
                            /** @description PNG in base64; only if the order is completed */
                            qr_code?: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/tickets/count": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Number of tickets held or sold */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "total_count": 1208
                         *     }
                         */
                        "application/json": {
                            total_count: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/ticket/checkin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Admit the bearer of a QR code once, or scan them out; for scanners of the session */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "encrypted_qr": "6BF...",
                     *       "gate": "North",
                     *       "device_id": "scanner-7"
                     *     }
                     */
                    "application/json": {
                        /**
                         * Format: plain-text
                         * @description Text of the QR code; surrounding white space is ignored
                         */
                        encrypted_qr: string;
                        /**
                         * Format: uuid
                         * @description Session of this door; tickets of other sessions are refused
                         * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                         */
                        session_id?: string;
                        /**
                         * Format: plain-text
                         * @description Gate of the scan, shown if the ticket is scanned again
                         */
                        gate?: string;
                        /**
                         * Format: plain-text
                         * @description Device that scanned
                         */
                        device_id?: string;
                        /** @description `entry` by default; `exit` if the session allows re-entry */
                        direction?: "entry" | "exit";
                        /** @description Identifies this scan on its device, a UUID. A repeated nonce gets the first answer again */
                        nonce?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "message": "Welcome: seat A12, VIP.",
                         *       "outcome": "admitted",
                         *       "seat": "A12",
                         *       "tier": "VIP",
                         *       "note": "Comes with a wheelchair",
                         *       "ticket": {
                         *         "ticket_id": "8e688506-02b1-48ed-9612-5472dd044744",
                         *         "order_id": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                         *         "seat_id": "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0",
                         *         "seat_label": "A12",
                         *         "colour": "#FFD700",
                         *         "tier_id": "33333333-3333-3333-3333-333333333333",
                         *         "tier_name": "VIP",
                         *         "price_at_purchase": 150.5,
                         *         "issued_at": "2026-11-24T03:17:16.954Z",
                         *         "checked_in": true,
                         *         "checked_in_time": "2026-11-24T19:03:16.954Z"
                         *       }
                         *     }
                         */
                        "application/json": {
                            message: string;
                            outcome: "admitted" | "left";
                            /** @description Label of the seat */
                            seat: string;
                            tier: string;
                            /** @description The organiser’s note about the holder; empty if none */
                            note: string;
                            /**
                             * @example {
                             *       "ticket_id": "8e688506-02b1-48ed-9612-5472dd044744",
                             *       "order_id": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                             *       "seat_id": "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0",
                             *       "seat_label": "A12",
                             *       "colour": "#FFD700",
                             *       "tier_id": "33333333-3333-3333-3333-333333333333",
                             *       "tier_name": "VIP",
                             *       "price_at_purchase": 150.5,
                             *       "issued_at": "2026-11-24T03:17:16.954Z",
                             *       "checked_in": false,
                             *       "checked_in_time": "0001-01-01T00:00:00Z"
                             *     }
                             */
                            ticket: {
                                /**
                                 * Format: uuid
                                 * @description The ticket
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                ticket_id: string;
                                /**
                                 * Format: uuid
                                 * @description The order it belongs to
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                order_id: string;
                                /** @description Opaque id of the seat */
                                seat_id: string;
                                /** @description Label of the seat */
                                seat_label: string;
                                /** @description Colour of the price tier */
                                colour: string;
                                /**
                                 * Format: uuid
                                 * @description The price tier
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                tier_id: string;
                                tier_name: string;
                                /** @description Major units */
                                price_at_purchase: number;
                                /** @description RFC 3339 in UTC */
                                issued_at: string;
                                checked_in: boolean;
                                /** @description 0001-01-01T00:00:00Z before the check-in */
                                checked_in_time: string;
                                /** @description The organiser’s note about the holder, if any */
                                note?: string;
                                /** @description PNG in base64; only if the order is completed */
                                qr_code?: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/scan/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Upload scans made without a network, in any order and any number of times */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "scans": [
                     *         {
                     *           "encrypted_qr": "6BF...",
                     *           "nonce": "5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11",
                     *           "scanned_at": "2026-11-24T19:03:16.954Z",
                     *           "device_id": "scanner-7",
                     *           "gate": "North"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": {
                        /** @description Each is `{encrypted_qr, nonce, scanned_at, device_id?, gate?, session_id?, direction?}`, in any order and any number of times. An invalid scan is refused alone. */
                        scans: unknown[];
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "results": [
                         *         {
                         *           "nonce": "5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11",
                         *           "outcome": "conflict",
                         *           "code": "already_checked_in",
                         *           "refusal": "already_checked_in",
                         *           "detail": "Already checked in at 2026-11-24T19:03:16.954Z, gate South. Do not admit again.",
                         *           "retry": false,
                         *           "ticket_id": "8e688506-02b1-48ed-9612-5472dd044744",
                         *           "first": {
                         *             "at": "2026-11-24T19:03:16.954Z",
                         *             "gate": "South",
                         *             "device_id": "scanner-2"
                         *           }
                         *         }
                         *       ]
                         *     }
                         */
                        "application/json": {
                            results: {
                                /** @description Nonce of the scan at the same index; empty if it had no usable one */
                                nonce: string;
                                /** @description `conflict` means that another device admitted this ticket */
                                outcome: "admitted" | "left" | "conflict" | "refused";
                                /** @description Error code of a refusal; see docs/errors.md */
                                code?: string;
                                /** @description Short word for the code, for a screen */
                                refusal?: string;
                                detail?: string;
                                /** @description Whether sending this scan again can help */
                                retry?: boolean;
                                /**
                                 * Format: uuid
                                 * @description The ticket
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                ticket_id?: string;
                                seat?: string;
                                tier?: string;
                                first?: {
                                    /** @description RFC 3339 in UTC */
                                    at: string;
                                    /** @description Empty if the scanner named no gate */
                                    gate: string;
                                    device_id: string;
                                };
                            }[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/scan/sessions/{sessionId}/bundle": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Data that a scanner needs to decide without a network, complete or only the changes; for scanners of the session */
        get: {
            parameters: {
                query?: {
                    /** @description `version` of the bundle at hand: only what changed since, or everything when that is unknown */
                    since?: string;
                };
                header?: never;
                path: {
                    /**
                     * @description The session
                     * @example 293bed3f-c670-42f6-9e28-628cd6fec57a
                     */
                    sessionId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "session_id": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                         *       "version": "7412345678901234567.1.90817.293bed3f",
                         *       "is_complete": true,
                         *       "keys": [
                         *         {
                         *           "key_id": 7,
                         *           "public_key": "mYqK...",
                         *           "sealing_key": "Zk3v..."
                         *         }
                         *       ],
                         *       "starts_at": "2026-11-24T19:00:00.000Z",
                         *       "ends_at": "2026-11-24T22:00:00.000Z",
                         *       "allows_reentry": false,
                         *       "tickets": [
                         *         [
                         *           "8e688506-02b1-48ed-9612-5472dd044744",
                         *           "A12",
                         *           "VIP",
                         *           "valid"
                         *         ]
                         *       ]
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The session
                             * @example 293bed3f-c670-42f6-9e28-628cd6fec57a
                             */
                            session_id: string;
                            /** @description For `since` */
                            version: string;
                            /** @description False: `tickets` replaces those of the same id in the bundle at hand */
                            is_complete: boolean;
                            keys: {
                                key_id: number;
                                /** @description Ed25519, base64url */
                                public_key: string;
                                /** @description AES-256-GCM of this session, base64url */
                                sealing_key: string;
                            }[];
                            /** @description RFC 3339 in UTC; empty: not known */
                            starts_at: string;
                            /** @description RFC 3339 in UTC; empty: not known */
                            ends_at: string;
                            allows_reentry: boolean;
                            /** @description `[ticket id, seat, tier, state]`; state: `valid`, `inside`, `left`, `void`. A fifth is the hash of a code that the earlier service sold for it and that still admits: the first 16 bytes of SHA-256 of its text without padding, base64url */
                            tickets: string[][];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/ticket/{ticketId}/checkin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Undo a check-in, so that the ticket admits again; for the organiser and administrators */
        delete: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path: {
                    /**
                     * @description The ticket
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    ticketId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "ticket_id": "8e688506-02b1-48ed-9612-5472dd044744",
                         *       "order_id": "8d564400-1273-4e3c-9b7d-cc3beccd2b27",
                         *       "seat_id": "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0",
                         *       "seat_label": "A12",
                         *       "colour": "#FFD700",
                         *       "tier_id": "33333333-3333-3333-3333-333333333333",
                         *       "tier_name": "VIP",
                         *       "price_at_purchase": 150.5,
                         *       "issued_at": "2026-11-24T03:17:16.954Z",
                         *       "checked_in": false,
                         *       "checked_in_time": "0001-01-01T00:00:00Z"
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The ticket
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            ticket_id: string;
                            /**
                             * Format: uuid
                             * @description The order it belongs to
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            order_id: string;
                            /** @description Opaque id of the seat */
                            seat_id: string;
                            /** @description Label of the seat */
                            seat_label: string;
                            /** @description Colour of the price tier */
                            colour: string;
                            /**
                             * Format: uuid
                             * @description The price tier
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            tier_id: string;
                            tier_name: string;
                            /** @description Major units */
                            price_at_purchase: number;
                            /** @description RFC 3339 in UTC */
                            issued_at: string;
                            checked_in: boolean;
                            /** @description 0001-01-01T00:00:00Z before the check-in */
                            checked_in_time: string;
                            /** @description The organiser’s note about the holder, if any */
                            note?: string;
                            /** @description PNG in base64; only if the order is completed */
                            qr_code?: string;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/scan/sessions/{sessionId}/door": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Set whether a session allows re-entry; for its organiser and administrators */
        put: {
            parameters: {
                query?: never;
                header?: {
                    /**
                     * @description 1 to 255 visible ASCII characters, new for each request. Sent again with the same request within 24 hours it gets the first answer again; with another request, 422; while the first is being worked on, 409.
                     * @example 5a1f2d0c-6f0e-4a39-9d0b-0f3b8d1c7e11
                     */
                    "idempotency-key"?: string;
                };
                path: {
                    /**
                     * @description The session
                     * @example 293bed3f-c670-42f6-9e28-628cd6fec57a
                     */
                    sessionId: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "allows_reentry": true
                     *     }
                     */
                    "application/json": {
                        /** @description Whether a scan at the exit lets the bearer come in again */
                        allows_reentry: boolean;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "allows_reentry": true
                         *     }
                         */
                        "application/json": {
                            /** @description Whether a scan at the exit lets the bearer come in again */
                            allows_reentry: boolean;
                        };
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/scan/sessions/{sessionId}/conflicts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Offline scans that admitted a ticket the service would have refused; for the organiser and administrators */
        get: {
            parameters: {
                query: {
                    limit: number;
                    /** @description `scan_id` of the last one of the page before */
                    before?: number;
                };
                header?: never;
                path: {
                    /**
                     * @description The session
                     * @example 293bed3f-c670-42f6-9e28-628cd6fec57a
                     */
                    sessionId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Grows with time */
                            scan_id: number;
                            /**
                             * Format: uuid
                             * @description The ticket
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            ticket_id: string;
                            seat: string;
                            tier: string;
                            /** @description `entry` by default; `exit` if the session allows re-entry */
                            direction: "entry" | "exit";
                            /** @description Why it would not have been let in; see docs/errors.md */
                            code: string;
                            /** @description By the device’s clock, RFC 3339 in UTC */
                            scanned_at: string;
                            /** @description RFC 3339 in UTC */
                            received_at: string;
                            /**
                             * Format: uuid
                             * @description The scanner
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            scanned_by: string;
                            gate: string;
                            device_id: string;
                            nonce: string;
                            /** @description The admission it is in conflict with */
                            first: {
                                /** @description RFC 3339 in UTC */
                                at: string;
                                /** @description Empty if the scanner named no gate */
                                gate: string;
                                device_id: string;
                            } | null;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/{orderId}/tickets.pdf": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** PDF of the good tickets of an order; for users who may read the order */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description The order
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    orderId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One A4 page for each ticket, black on white */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/pdf": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/ticket/{ticketId}.pdf": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** PDF of a ticket; for its holder, the organiser and administrators */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description The ticket
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    ticketId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description One A4 page for each ticket, black on white */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/pdf": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/{orderId}/tickets.ics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Calendar file of an order’s session; for users who may read the order */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description The order
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    orderId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description RFC 5545, times in UTC */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/calendar": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/sse/checkouts/event/{eventID}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Orders of an event as they complete; for its organiser and administrators */
        get: {
            parameters: {
                query?: {
                    /** @description The access token, for a browser’s EventSource, which cannot send headers. Accepted only on these routes and never logged */
                    access_token?: string;
                    /**
                     * @description The same as the header Last-Event-ID, for a page that opens a new EventSource
                     * @example 4711
                     */
                    lastEventId?: string;
                };
                header?: {
                    /**
                     * @description The last id that the client has seen. The events after it come first. They are kept for an hour; if some are missing, a `gap` event comes first
                     * @example 4711
                     */
                    "last-event-id"?: string;
                };
                path: {
                    /**
                     * @description The event
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    eventID: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Server-sent events until the token expires or the user is no longer the organiser */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/sse/checkouts/organization/{organizationID}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Orders of all events of an organisation as they complete; for its organiser and administrators */
        get: {
            parameters: {
                query?: {
                    /** @description The access token, for a browser’s EventSource, which cannot send headers. Accepted only on these routes and never logged */
                    access_token?: string;
                    /**
                     * @description The same as the header Last-Event-ID, for a page that opens a new EventSource
                     * @example 4711
                     */
                    lastEventId?: string;
                };
                header?: {
                    /**
                     * @description The last id that the client has seen. The events after it come first. They are kept for an hour; if some are missing, a `gap` event comes first
                     * @example 4711
                     */
                    "last-event-id"?: string;
                };
                path: {
                    /**
                     * @description The organisation
                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                     */
                    organizationID: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Server-sent events until the token expires or the user is no longer the organiser */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/analytics/events/{eventId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sales of an event by day and tier; for its organiser and administrators */
        get: {
            parameters: {
                query: {
                    /**
                     * @description Time zone of the days, by its IANA name
                     * @example Asia/Colombo
                     */
                    tz: string;
                };
                header?: never;
                path: {
                    /**
                     * @description The event
                     * @example 3471e132-69f2-4764-ac79-e5ad57111483
                     */
                    eventId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "event_id": "3471e132-69f2-4764-ac79-e5ad57111483",
                         *       "total_revenue": 149.5,
                         *       "total_before_discounts": 301,
                         *       "total_tickets_sold": 2,
                         *       "total_orders": 1,
                         *       "money_taken": 149.5,
                         *       "money_refunded": 0,
                         *       "money_net": 149.5,
                         *       "currency": "lkr",
                         *       "daily_sales": [
                         *         {
                         *           "date": "2026-11-24",
                         *           "revenue": 149.5,
                         *           "tickets_sold": 2
                         *         }
                         *       ],
                         *       "sales_by_tier": [
                         *         {
                         *           "tier_id": "33333333-3333-3333-3333-333333333333",
                         *           "tier_name": "VIP",
                         *           "tier_color": "#FFD700",
                         *           "tickets_sold": 2,
                         *           "revenue": 301
                         *         }
                         *       ]
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The event
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            event_id: string;
                            /** @description Major units: prices of completed orders at the time of sale */
                            total_revenue: number;
                            /** @description Major units: their subtotals */
                            total_before_discounts: number;
                            /** @description Number of good tickets of completed orders */
                            total_tickets_sold: number;
                            /** @description Number of completed orders */
                            total_orders: number;
                            /** @description Major units: all payments received, whatever happened to their orders */
                            money_taken: number;
                            /** @description Major units: refunds of these payments, sent or pending */
                            money_refunded: number;
                            /** @description Major units: money_taken less money_refunded */
                            money_net: number;
                            /** @description ISO 4217 in lower case */
                            currency: string;
                            /** @description All days from the first sale to the last */
                            daily_sales: {
                                /** @description Day of `tz` on which the orders were placed, YYYY-MM-DD */
                                date: string;
                                /** @description Major units: prices of the orders */
                                revenue: number;
                                tickets_sold: number;
                            }[];
                            sales_by_tier: {
                                /**
                                 * Format: uuid
                                 * @description The price tier
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                tier_id: string;
                                tier_name: string;
                                tier_color: string;
                                tickets_sold: number;
                                /** @description Major units: prices of the tickets, before discounts */
                                revenue: number;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/analytics/events/{eventId}/discounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Uses of each discount of an event by day; for its organiser and administrators */
        get: {
            parameters: {
                query: {
                    /**
                     * @description Time zone of the days, by its IANA name
                     * @example Asia/Colombo
                     */
                    tz: string;
                };
                header?: never;
                path: {
                    /**
                     * @description The event
                     * @example 3471e132-69f2-4764-ac79-e5ad57111483
                     */
                    eventId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "event_id": "3471e132-69f2-4764-ac79-e5ad57111483",
                         *       "discount_usage": [
                         *         {
                         *           "date": "2026-11-24",
                         *           "discount_code": "EARLY",
                         *           "usage_count": 3,
                         *           "total_discount_amount": 151.5
                         *         }
                         *       ]
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The event
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            event_id: string;
                            discount_usage: {
                                /** @description Day of `tz`, YYYY-MM-DD */
                                date: string;
                                discount_code: string;
                                /** @description Number of completed orders with this code */
                                usage_count: number;
                                /** @description Major units: total discount */
                                total_discount_amount: number;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/analytics/events/{eventId}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sales of each session of an event; for its organiser and administrators */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description The event
                     * @example 3471e132-69f2-4764-ac79-e5ad57111483
                     */
                    eventId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "event_id": "3471e132-69f2-4764-ac79-e5ad57111483",
                         *       "sessions": [
                         *         {
                         *           "session_id": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                         *           "total_revenue": 149.5,
                         *           "total_before_discounts": 301,
                         *           "total_tickets_sold": 2,
                         *           "total_orders": 1,
                         *           "money_taken": 149.5,
                         *           "money_refunded": 0,
                         *           "money_net": 149.5,
                         *           "currency": "lkr"
                         *         }
                         *       ]
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The event
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            event_id: string;
                            sessions: {
                                /**
                                 * Format: uuid
                                 * @description The session
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                session_id: string;
                                /** @description Major units: prices of completed orders at the time of sale */
                                total_revenue: number;
                                /** @description Major units: their subtotals */
                                total_before_discounts: number;
                                /** @description Number of good tickets of completed orders */
                                total_tickets_sold: number;
                                /** @description Number of completed orders */
                                total_orders: number;
                                /** @description Major units: all payments received, whatever happened to their orders */
                                money_taken: number;
                                /** @description Major units: refunds of these payments, sent or pending */
                                money_refunded: number;
                                /** @description Major units: money_taken less money_refunded */
                                money_net: number;
                                /** @description ISO 4217 in lower case */
                                currency: string;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/analytics/events/{eventId}/sessions/{sessionId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sales of a session by day and tier; for the organiser of both and administrators */
        get: {
            parameters: {
                query: {
                    /**
                     * @description Time zone of the days, by its IANA name
                     * @example Asia/Colombo
                     */
                    tz: string;
                };
                header?: never;
                path: {
                    /**
                     * @description The event
                     * @example 3471e132-69f2-4764-ac79-e5ad57111483
                     */
                    eventId: string;
                    /**
                     * @description The session
                     * @example 293bed3f-c670-42f6-9e28-628cd6fec57a
                     */
                    sessionId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "event_id": "3471e132-69f2-4764-ac79-e5ad57111483",
                         *       "session_id": "293bed3f-c670-42f6-9e28-628cd6fec57a",
                         *       "total_revenue": 149.5,
                         *       "total_before_discounts": 301,
                         *       "total_tickets_sold": 2,
                         *       "total_orders": 1,
                         *       "money_taken": 149.5,
                         *       "money_refunded": 0,
                         *       "money_net": 149.5,
                         *       "currency": "lkr",
                         *       "daily_sales": [
                         *         {
                         *           "date": "2026-11-24",
                         *           "revenue": 149.5,
                         *           "tickets_sold": 2
                         *         }
                         *       ],
                         *       "sales_by_tier": [
                         *         {
                         *           "tier_id": "33333333-3333-3333-3333-333333333333",
                         *           "tier_name": "VIP",
                         *           "tier_color": "#FFD700",
                         *           "tickets_sold": 2,
                         *           "revenue": 301
                         *         }
                         *       ]
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The event
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            event_id: string;
                            /**
                             * Format: uuid
                             * @description The session
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            session_id: string;
                            /** @description Major units: prices of completed orders at the time of sale */
                            total_revenue: number;
                            /** @description Major units: their subtotals */
                            total_before_discounts: number;
                            /** @description Number of good tickets of completed orders */
                            total_tickets_sold: number;
                            /** @description Number of completed orders */
                            total_orders: number;
                            /** @description Major units: all payments received, whatever happened to their orders */
                            money_taken: number;
                            /** @description Major units: refunds of these payments, sent or pending */
                            money_refunded: number;
                            /** @description Major units: money_taken less money_refunded */
                            money_net: number;
                            /** @description ISO 4217 in lower case */
                            currency: string;
                            /** @description All days from the first sale to the last */
                            daily_sales: {
                                /** @description Day of `tz` on which the orders were placed, YYYY-MM-DD */
                                date: string;
                                /** @description Major units: prices of the orders */
                                revenue: number;
                                tickets_sold: number;
                            }[];
                            sales_by_tier: {
                                /**
                                 * Format: uuid
                                 * @description The price tier
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                tier_id: string;
                                tier_name: string;
                                tier_color: string;
                                tickets_sold: number;
                                /** @description Major units: prices of the tickets, before discounts */
                                revenue: number;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/analytics/events/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sales of several events added up; for the organiser of all of them and administrators */
        post: {
            parameters: {
                query: {
                    /**
                     * @description Time zone of the days, by its IANA name
                     * @example Asia/Colombo
                     */
                    tz: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "eventIds": [
                     *         "3471e132-69f2-4764-ac79-e5ad57111483"
                     *       ]
                     *     }
                     */
                    "application/json": {
                        eventIds: string[];
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "event_ids": [
                         *         "3471e132-69f2-4764-ac79-e5ad57111483"
                         *       ],
                         *       "total_revenue": 149.5,
                         *       "total_before_discounts": 301,
                         *       "total_tickets_sold": 2,
                         *       "total_orders": 1,
                         *       "money_taken": 149.5,
                         *       "money_refunded": 0,
                         *       "money_net": 149.5,
                         *       "currency": "lkr",
                         *       "daily_sales": [
                         *         {
                         *           "date": "2026-11-24",
                         *           "revenue": 149.5,
                         *           "tickets_sold": 2
                         *         }
                         *       ],
                         *       "sales_by_tier": [
                         *         {
                         *           "tier_id": "33333333-3333-3333-3333-333333333333",
                         *           "tier_name": "VIP",
                         *           "tier_color": "#FFD700",
                         *           "tickets_sold": 2,
                         *           "revenue": 301
                         *         }
                         *       ]
                         *     }
                         */
                        "application/json": {
                            event_ids: string[];
                            /** @description Major units: prices of completed orders at the time of sale */
                            total_revenue: number;
                            /** @description Major units: their subtotals */
                            total_before_discounts: number;
                            /** @description Number of good tickets of completed orders */
                            total_tickets_sold: number;
                            /** @description Number of completed orders */
                            total_orders: number;
                            /** @description Major units: all payments received, whatever happened to their orders */
                            money_taken: number;
                            /** @description Major units: refunds of these payments, sent or pending */
                            money_refunded: number;
                            /** @description Major units: money_taken less money_refunded */
                            money_net: number;
                            /** @description ISO 4217 in lower case */
                            currency: string;
                            /** @description All days from the first sale to the last */
                            daily_sales: {
                                /** @description Day of `tz` on which the orders were placed, YYYY-MM-DD */
                                date: string;
                                /** @description Major units: prices of the orders */
                                revenue: number;
                                tickets_sold: number;
                            }[];
                            sales_by_tier: {
                                /**
                                 * Format: uuid
                                 * @description The price tier
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                tier_id: string;
                                tier_name: string;
                                tier_color: string;
                                tickets_sold: number;
                                /** @description Major units: prices of the tickets, before discounts */
                                revenue: number;
                            }[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/analytics/events/batch/individual": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sales of several events, listed separately; for the organiser of all of them and administrators */
        post: {
            parameters: {
                query: {
                    /**
                     * @description Time zone of the days, by its IANA name
                     * @example Asia/Colombo
                     */
                    tz: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    /**
                     * @example {
                     *       "eventIds": [
                     *         "3471e132-69f2-4764-ac79-e5ad57111483"
                     *       ]
                     *     }
                     */
                    "application/json": {
                        eventIds: string[];
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "eventAnalytics": {
                         *         "3471e132-69f2-4764-ac79-e5ad57111483": {
                         *           "event_id": "3471e132-69f2-4764-ac79-e5ad57111483",
                         *           "total_revenue": 149.5,
                         *           "total_before_discounts": 301,
                         *           "total_tickets_sold": 2,
                         *           "total_orders": 1,
                         *           "money_taken": 149.5,
                         *           "money_refunded": 0,
                         *           "money_net": 149.5,
                         *           "currency": "lkr",
                         *           "daily_sales": [
                         *             {
                         *               "date": "2026-11-24",
                         *               "revenue": 149.5,
                         *               "tickets_sold": 2
                         *             }
                         *           ],
                         *           "sales_by_tier": [
                         *             {
                         *               "tier_id": "33333333-3333-3333-3333-333333333333",
                         *               "tier_name": "VIP",
                         *               "tier_color": "#FFD700",
                         *               "tickets_sold": 2,
                         *               "revenue": 301
                         *             }
                         *           ]
                         *         }
                         *       }
                         *     }
                         */
                        "application/json": {
                            /** @description By event id */
                            eventAnalytics: {
                                [key: string]: {
                                    /**
                                     * Format: uuid
                                     * @description The event
                                     * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                     */
                                    event_id: string;
                                    /** @description Major units: prices of completed orders at the time of sale */
                                    total_revenue: number;
                                    /** @description Major units: their subtotals */
                                    total_before_discounts: number;
                                    /** @description Number of good tickets of completed orders */
                                    total_tickets_sold: number;
                                    /** @description Number of completed orders */
                                    total_orders: number;
                                    /** @description Major units: all payments received, whatever happened to their orders */
                                    money_taken: number;
                                    /** @description Major units: refunds of these payments, sent or pending */
                                    money_refunded: number;
                                    /** @description Major units: money_taken less money_refunded */
                                    money_net: number;
                                    /** @description ISO 4217 in lower case */
                                    currency: string;
                                    /** @description All days from the first sale to the last */
                                    daily_sales: {
                                        /** @description Day of `tz` on which the orders were placed, YYYY-MM-DD */
                                        date: string;
                                        /** @description Major units: prices of the orders */
                                        revenue: number;
                                        tickets_sold: number;
                                    }[];
                                    sales_by_tier: {
                                        /**
                                         * Format: uuid
                                         * @description The price tier
                                         * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                         */
                                        tier_id: string;
                                        tier_name: string;
                                        tier_color: string;
                                        tickets_sold: number;
                                        /** @description Major units: prices of the tickets, before discounts */
                                        revenue: number;
                                    }[];
                                };
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/analytics/organizations/{organizationId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sales of all events of an organisation; for its organiser and administrators */
        get: {
            parameters: {
                query: {
                    /**
                     * @description Time zone of the days, by its IANA name
                     * @example Asia/Colombo
                     */
                    tz: string;
                };
                header?: never;
                path: {
                    /**
                     * @description The organisation
                     * @example 22a67f04-b918-44ac-9b63-49efe8d34356
                     */
                    organizationId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "organization_id": "22a67f04-b918-44ac-9b63-49efe8d34356",
                         *       "total_revenue": 149.5,
                         *       "total_before_discounts": 301,
                         *       "total_tickets_sold": 2,
                         *       "total_orders": 1,
                         *       "money_taken": 149.5,
                         *       "money_refunded": 0,
                         *       "money_net": 149.5,
                         *       "currency": "lkr",
                         *       "daily_sales": [
                         *         {
                         *           "date": "2026-11-24",
                         *           "revenue": 149.5,
                         *           "tickets_sold": 2
                         *         }
                         *       ],
                         *       "sales_by_tier": [
                         *         {
                         *           "tier_id": "33333333-3333-3333-3333-333333333333",
                         *           "tier_name": "VIP",
                         *           "tier_color": "#FFD700",
                         *           "tickets_sold": 2,
                         *           "revenue": 301
                         *         }
                         *       ]
                         *     }
                         */
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The organisation
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            organization_id: string;
                            /** @description Major units: prices of completed orders at the time of sale */
                            total_revenue: number;
                            /** @description Major units: their subtotals */
                            total_before_discounts: number;
                            /** @description Number of good tickets of completed orders */
                            total_tickets_sold: number;
                            /** @description Number of completed orders */
                            total_orders: number;
                            /** @description Major units: all payments received, whatever happened to their orders */
                            money_taken: number;
                            /** @description Major units: refunds of these payments, sent or pending */
                            money_refunded: number;
                            /** @description Major units: money_taken less money_refunded */
                            money_net: number;
                            /** @description ISO 4217 in lower case */
                            currency: string;
                            /** @description All days from the first sale to the last */
                            daily_sales: {
                                /** @description Day of `tz` on which the orders were placed, YYYY-MM-DD */
                                date: string;
                                /** @description Major units: prices of the orders */
                                revenue: number;
                                tickets_sold: number;
                            }[];
                            sales_by_tier: {
                                /**
                                 * Format: uuid
                                 * @description The price tier
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                tier_id: string;
                                tier_name: string;
                                tier_color: string;
                                tickets_sold: number;
                                /** @description Major units: prices of the tickets, before discounts */
                                revenue: number;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/analytics/events/{eventId}/orders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Orders of an event, newest first unless sorted; for its organiser and administrators */
        get: {
            parameters: {
                query: {
                    /**
                     * @description Only orders of this session
                     * @example 293bed3f-c670-42f6-9e28-628cd6fec57a
                     */
                    sessionId?: string;
                    /** @description Only orders in this state */
                    status?: "pending" | "completed" | "cancelled";
                    /** @description `order_date` is `created_at` */
                    sort?: "created_at" | "order_date" | "price";
                    /** @description `desc` by default */
                    order?: "asc" | "desc";
                    limit: number;
                    offset?: number;
                    /** @description `x-next-cursor` of the previous page, instead of `offset`. Pages stay correct while orders are added */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /**
                     * @description The event
                     * @example 3471e132-69f2-4764-ac79-e5ad57111483
                     */
                    eventId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The order
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            OrderID: string;
                            /**
                             * Format: uuid
                             * @description The buyer
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            UserID: string;
                            /**
                             * Format: uuid
                             * @description The event
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            EventID: string;
                            /**
                             * Format: uuid
                             * @description The organisation
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            OrganizationID: string;
                            /**
                             * Format: uuid
                             * @description The session
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            SessionID: string;
                            Status: "pending" | "completed" | "cancelled";
                            /** @description Major units */
                            SubTotal: number;
                            /** @description Empty when there is none */
                            DiscountID: string;
                            DiscountCode: string;
                            /** @description Major units */
                            DiscountAmount: number;
                            /** @description SubTotal less DiscountAmount: the amount charged */
                            Price: number;
                            /** @description RFC 3339 in UTC */
                            CreatedAt: string;
                            /** @description Empty when there is none */
                            PaymentIntentID: string;
                            tickets?: {
                                /**
                                 * Format: uuid
                                 * @description The ticket
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                ticket_id: string;
                                /**
                                 * Format: uuid
                                 * @description The order it belongs to
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                order_id: string;
                                /** @description Opaque id of the seat */
                                seat_id: string;
                                /** @description Label of the seat */
                                seat_label: string;
                                /** @description Colour of the price tier */
                                colour: string;
                                /**
                                 * Format: uuid
                                 * @description The price tier
                                 * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                                 */
                                tier_id: string;
                                tier_name: string;
                                /** @description Major units */
                                price_at_purchase: number;
                                /** @description RFC 3339 in UTC */
                                issued_at: string;
                                checked_in: boolean;
                                /** @description 0001-01-01T00:00:00Z before the check-in */
                                checked_in_time: string;
                                /** @description The organiser’s note about the holder, if any */
                                note?: string;
                                /** @description PNG in base64; only if the order is completed */
                                qr_code?: string;
                            }[];
                            /** @description Number of orders on all pages */
                            TotalCount: number;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/analytics/sessions/{sessionId}/tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Good tickets of a session’s completed orders, newest first; for its organiser and administrators */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /**
                     * @description The session
                     * @example 293bed3f-c670-42f6-9e28-628cd6fec57a
                     */
                    sessionId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /**
                             * Format: uuid
                             * @description The ticket
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            ticket_id: string;
                            /**
                             * Format: uuid
                             * @description The order it belongs to
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            order_id: string;
                            /** @description Opaque id of the seat */
                            seat_id: string;
                            /** @description Label of the seat */
                            seat_label: string;
                            /** @description Colour of the price tier */
                            colour: string;
                            /**
                             * Format: uuid
                             * @description The price tier
                             * @example 8d564400-1273-4e3c-9b7d-cc3beccd2b27
                             */
                            tier_id: string;
                            tier_name: string;
                            /** @description Major units */
                            price_at_purchase: number;
                            /** @description RFC 3339 in UTC */
                            issued_at: string;
                            checked_in: boolean;
                            /** @description 0001-01-01T00:00:00Z before the check-in */
                            checked_in_time: string;
                            /** @description The organiser’s note about the holder, if any */
                            note?: string;
                            /** @description PNG in base64; only if the order is completed */
                            qr_code?: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/analytics/events/{eventId}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All orders, tickets, check-ins or discounts of an event as a file; for its organiser and administrators */
        get: {
            parameters: {
                query: {
                    /** @description Format of the file */
                    format: "csv" | "xlsx";
                    /** @description Content of the file */
                    what: "orders" | "tickets" | "checkins" | "discounts";
                };
                header?: never;
                path: {
                    /**
                     * @description The event
                     * @example 3471e132-69f2-4764-ac79-e5ad57111483
                     */
                    eventId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A file with a header line */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/csv": string;
                        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Settings for web pages: currency, sign-in, catalogue and payment */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "currency": "lkr",
                         *       "time_zone": "Asia/Colombo",
                         *       "hold_minutes": 5,
                         *       "max_seats_per_order": 10,
                         *       "oidc": {
                         *         "issuer": "http://localhost:8084/realms/event-ticketing",
                         *         "client_id": "web-frontend"
                         *       },
                         *       "catalogue_url": "/api/event-query",
                         *       "stripe": {
                         *         "publishable_key": "pk_test_1234",
                         *         "embedded": false
                         *       },
                         *       "passes": {
                         *         "apple": false,
                         *         "google": false
                         *       },
                         *       "languages": [
                         *         "en",
                         *         "si",
                         *         "ta"
                         *       ]
                         *     }
                         */
                        "application/json": {
                            /** @description ISO 4217 in lower case */
                            currency: string;
                            /** @description IANA name of the zone for times without a zone of their own */
                            time_zone: string;
                            /** @description How long the seats of a new order are held */
                            hold_minutes: number;
                            max_seats_per_order: number;
                            oidc: {
                                /** @description Where people sign in */
                                issuer: string;
                                /** @description The public client of the pages */
                                client_id: string;
                            };
                            /** @description Base address of the catalogue; a path on this origin or an address */
                            catalogue_url: string;
                            stripe: {
                                /** @description Empty if no page can take payments */
                                publishable_key: string;
                                /** @description Whether the stand-in takes the payments, with a form of its own */
                                embedded: boolean;
                            };
                            passes: {
                                apple: boolean;
                                google: boolean;
                            };
                            /** @description BCP 47 tags of the languages that the pages speak */
                            languages: string[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/secure": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** User of the access token */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description User of the token */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Metrics in Prometheus’ text format */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Metrics */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Liveness probe */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The process is alive */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Readiness probe, with the state of each server */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "status": "UP",
                         *       "timestamp": "2026-11-24T03:17:15.905Z",
                         *       "service": "ms-ticketing",
                         *       "version": "0.1.0",
                         *       "database": {
                         *         "status": "UP",
                         *         "embedded": false
                         *       },
                         *       "redis": {
                         *         "status": "UP",
                         *         "embedded": true
                         *       },
                         *       "kafka": {
                         *         "status": "UP",
                         *         "embedded": true
                         *       },
                         *       "identity": {
                         *         "status": "UP",
                         *         "embedded": true
                         *       },
                         *       "seating": {
                         *         "status": "UP",
                         *         "embedded": true
                         *       },
                         *       "stripe": {
                         *         "status": "UP",
                         *         "embedded": true
                         *       },
                         *       "outbox": {
                         *         "status": "UP",
                         *         "waiting": 0,
                         *         "lag_seconds": 0
                         *       },
                         *       "clock": {
                         *         "status": "UP",
                         *         "difference_seconds": 0.002
                         *       }
                         *     }
                         */
                        "application/json": {
                            status: "UP" | "DOWN";
                            timestamp: string;
                            service: string;
                            version: string;
                            database: {
                                status: "UP" | "DOWN";
                                /** @description True for a stand-in in the process */
                                embedded: boolean;
                            };
                            redis: {
                                status: "UP" | "DOWN";
                                /** @description True for a stand-in in the process */
                                embedded: boolean;
                            };
                            kafka: {
                                status: "UP" | "DOWN";
                                /** @description True for a stand-in in the process */
                                embedded: boolean;
                            };
                            identity: {
                                status: "UP" | "DOWN";
                                /** @description True for a stand-in in the process */
                                embedded: boolean;
                            };
                            seating: {
                                status: "UP" | "DOWN";
                                /** @description True for a stand-in in the process */
                                embedded: boolean;
                            };
                            stripe: {
                                status: "UP" | "DOWN";
                                /** @description True for a stand-in in the process */
                                embedded: boolean;
                            };
                            outbox: {
                                status: "UP" | "DOWN";
                                /** @description Messages committed and not published yet */
                                waiting: number;
                                /** @description Age of the oldest of them */
                                lag_seconds: number;
                            };
                            clock: {
                                status: "UP" | "DOWN";
                                /** @description Clock of this machine minus the clock of the database; DOWN above a few seconds */
                                difference_seconds: number;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/webhook/stripe": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Receive a signed event of Stripe; each event takes effect once */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "received": true
                         *     }
                         */
                        "application/json": {
                            received: boolean;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/order/webhook/stripe": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Receive a signed event of Stripe; each event takes effect once */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        /**
                         * @example {
                         *       "received": true
                         *     }
                         */
                        "application/json": {
                            received: boolean;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description RFC 9457 problem document
         * @example {
         *       "type": "/docs/errors#seats_taken",
         *       "title": "Seats are taken",
         *       "status": 409,
         *       "detail": "Already taken: A12. Choose other seats.",
         *       "code": "seats_taken",
         *       "message": "Already taken: A12. Choose other seats.",
         *       "seat_ids": [
         *         "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0"
         *       ],
         *       "seats": [
         *         {
         *           "seat_id": "011ad2bb-6fab-4cc9-a9bb-e3cd6d8ffcc0",
         *           "label": "A12"
         *         }
         *       ]
         *     }
         */
        Problem: {
            /** @description Where the code is explained */
            type: string;
            title: string;
            status: number;
            /** @description What was wrong and what to do */
            detail: string;
            /** @description Stable; see docs/errors.md */
            code: string;
            /** @description The same as detail */
            message: string;
            /** @description The seats that are refused */
            seat_ids?: string[];
            /** @description Those of them whose label is known */
            seats?: {
                seat_id: string;
                label: string;
            }[];
            errors?: {
                field: string;
                reason: string;
            }[];
            /** @description When the first check-in was */
            checked_in_time?: string;
            /** @description Where the first check-in was, if its scanner said */
            checked_in_gate?: string;
            /** @description Of a refusal at the door: its short word for a screen */
            refusal?: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
