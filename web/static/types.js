/**
 * What the server sends: the sections of /api/v1/events. See server/bridge.py for each field.
 *
 * @typedef {{active: string[], recording: boolean}} Tags
 *
 * @typedef {object} Dataset
 * @property {boolean} online
 * @property {number} revision
 * @property {number} samples
 * @property {number} validation_samples
 * @property {number} bursts
 * @property {string[]} classes
 * @property {number[]} class_samples
 * @property {number[]} class_bursts
 * @property {boolean} recording
 * @property {string[]} active_tags
 * @property {number} burst_samples
 * @property {number} dropped
 * @property {number} duplicates
 * @property {number} pending
 * @property {string} error
 *
 * @typedef {object} Training
 * @property {boolean} online
 * @property {boolean} enabled
 * @property {string} state
 * @property {string} message
 * @property {string} net
 * @property {string} label_mode
 * @property {number} epoch
 * @property {number} epochs
 * @property {number} epoch_images
 * @property {number} images
 * @property {number | null} loss
 * @property {number} images_per_s
 * @property {number | null} eta_s
 * @property {number | null} best_accuracy
 * @property {number} live_version
 *
 * @typedef {object} Version of /api/v1/models
 * @property {number} version
 * @property {'head' | 'finetune'} stage
 * @property {string[]} labels
 * @property {string} created
 * @property {string} reason
 * @property {boolean} live
 * @property {{headline: number | null, samples: number,
 *   per_class: {recall: number | null, precision: number | null, support: number,
 *     change: number | null}[]}} scores
 *
 * @typedef {object} CurvePoint of /api/v1/training/curves
 * @property {string} stamp ISO 8601
 * @property {'head' | 'finetune'} stage
 * @property {number} epoch of its run, from 1; 0: a head
 * @property {number | null} loss
 * @property {number | null} train_accuracy
 * @property {number | null} accuracy
 * @property {number | null} macro_f1
 *
 * @typedef {object} Advice of /api/v1/advice
 * @property {string} kind
 * @property {number} weight 0 (a hint) to 1 (nothing works without it)
 * @property {string[]} labels
 * @property {string} text
 * @property {string} evidence
 * @property {string} method
 * @property {string[]} samples ids
 * @property {string[]} suggestions a tag that fits each of the samples better; for wrong_tags
 *
 * @typedef {{label: string, score: number}} Result
 *
 * @typedef {object} Classification
 * @property {boolean} online
 * @property {boolean} enabled
 * @property {number} version
 * @property {string[]} labels
 * @property {Result[]} results
 * @property {number} rate_hz
 * @property {number} threshold
 * @property {number} smoothing
 *
 * @typedef {object} Alert
 * @property {number} id
 * @property {number} time_ms
 * @property {'info' | 'warning' | 'error'} level
 * @property {string} category
 * @property {string} message
 * @property {number} duration_ms
 *
 * @typedef {object} State
 * @property {Tags} tags
 * @property {Dataset} dataset
 * @property {Training} training
 * @property {Classification} classification
 * @property {Alert[]} alerts
 */

export {};
