/** Who serves a client, and why; and who would, if nodes died. Part of the contract of the agent's socket: see ../contract.ts. */
import type { NodeName } from '../../membership/messages.js';

export interface ExplainQuery {
  /** The client's address, text. */
  readonly address: string;
  /** Null: not given; a rule by connection then has no single answer. */
  readonly port: number | null;
  /** Null: the first VIP of the address's family and the first rule that does not deny. */
  readonly to: ExplainTarget | null;
  /** Nodes to think away: who would serve the client if they died? Absent or empty: none. */
  readonly without?: readonly NodeName[];
}

export interface ExplainTarget {
  readonly address: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

export interface ExplainReport {
  readonly version: 1;
  /** 0..4095; null where no rule matches, or it depends on the client's port, which was not given. */
  readonly bucket: number | null;
  /** Who holds the bucket now; null: nobody known, or no bucket. */
  readonly owner: NodeName | null;
  /** Name of the rule; null: none matches. */
  readonly rule: string | null;
  /** One sentence for people. */
  readonly why: string;
  /** What the asked node's data plane would do with the client's next packet, and under which counter; `depends`: on the port. */
  readonly verdict: string;
  readonly reason: string;
  readonly plan: number | null;
  /** Whom the plan wants; differs from the owner while a grant is under way. */
  readonly planned: NodeName | null;
  /** The node that was asked. */
  readonly node: NodeName;
  readonly client: string;
  readonly to: ExplainTarget;
  /** What would be if the nodes of the question died; absent: it named none. */
  readonly without?: WithoutReport;
}

export interface WithoutReport {
  readonly nodes: readonly NodeName[];
  /** Who would serve the client then; null: nobody, or the packet has no bucket. */
  readonly owner: NodeName | null;
  /** True when that is another node than now. */
  readonly moves: boolean;
  /** Buckets that those nodes hold now, all plans. */
  readonly movedBuckets: number;
  /** Clients that they still serve in buckets of others; nobody takes those over. */
  readonly keepsLost: number;
  /** Of the general plan, once all has moved. */
  readonly shares: readonly { readonly name: NodeName; readonly share: number }[];
  /** For people. */
  readonly why: string;
}
