/** Groups and templates. */
import type { Group, Template } from '../../domain/group.ts';

export type SyncGroup = Omit<
  Group,
  'forgeId' | 'labelCase' | 'isEnabled' | 'isPaused' | 'createdAt' | 'updatedAt'
> & {
  readonly templates: readonly SyncTemplate[];
  /** `sourcePath` of what could not be read: templates of this group from there stay as they are. Default: none. */
  readonly unreadSources?: readonly string[];
};
export type SyncTemplate = Omit<Template, 'groupId' | 'inConfig' | 'createdAt' | 'updatedAt'>;

export interface GroupStats {
  /** Pending, paused ones included. */
  readonly queuedJobs: number;
  /** Triggered and running. */
  readonly runningJobs: number;
  /** Online and not busy. */
  readonly idleRunners: number;
  /** Busy, even if offline. */
  readonly busyRunners: number;
  readonly onlineRunners: number;
  readonly totalRunners: number;
  /** Includes templates that left the config. */
  readonly templateCount: number;
}

export interface CatalogStore {
  /**
   * Makes groups and templates what the config says, in one transaction. `isPaused` and `createdAt` stay. Groups
   * of this forge that left the config are disabled; a template that left it is deleted if no job ever used it,
   * else kept with `inConfig` false. A template that moved takes its pending jobs' group with it only for new jobs:
   * existing jobs stay where they are.
   */
  sync(forge: { id: string; kind: string }, groups: readonly SyncGroup[]): Promise<void>;
  listGroups(): Promise<Group[]>;
  /** By name. */
  listGroupsWithStats(): Promise<(Group & GroupStats)[]>;
  findGroup(id: string): Promise<Group | undefined>;
  setGroupPaused(id: string, isPaused: boolean, actor: string): Promise<Group | undefined>;
  /** By name. */
  listTemplates(groupId: string): Promise<Template[]>;
  findTemplate(id: string): Promise<Template | undefined>;
  findTemplates(ids: readonly string[]): Promise<Template[]>;
}
